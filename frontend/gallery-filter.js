/** Which photos are shown, and in which order. */

import { formatCount } from "./format.js";
import { parametersOf } from "./selection.js";

const TYPED_MS = 250;
const WORTH_IT = 20; // photos: fewer are seen at once
const KINDS = ["pending", "hidden", "private"]; // beside people, who are chosen by their ids

/**
 * @param {HTMLFormElement} el Dispatches `selection-changed` {selection} and `senders-wanted` when
 *   the list of people is about to be opened.
 */
export function mountGalleryFilter(el) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const search = el.querySelector("input");
  const offered = { senders: [], ownId: null, pending: 0, hidden: 0, private: 0 };
  const read = () => {
    const { value } = part("by");
    const [by, only] = KINDS.includes(value) ? ["", value] : [value, ""];
    return { sort: part("sort").value, by, words: search.value.trim(), only };
  };
  const tell = () =>
    el.dispatchEvent(new CustomEvent("selection-changed", { detail: { selection: read() } }));
  followFields(el, part, tell);

  return {
    /** @param {import("./gallery.js").Gallery} gallery */
    update(gallery) {
      const { isFiltered, selection } = gallery;
      const isSmall = gallery.total < WORTH_IT && offered.pending === 0;
      el.hidden = isSmall && !isFiltered && read().sort === "arrival";
      part("clear").hidden = !isFiltered;
      part("result").textContent = isFiltered ? resultOf(gallery) : "";
      part("download").hidden = !isFiltered || gallery.items.length === 0;
      part("download").href = `/photos.zip?${new URLSearchParams(parametersOf(selection))}`;
    },

    /**
     * @param {object} news any of
     * @param {{id: string, name: string, photos: number}[]} news.senders
     * @param {string|null} news.ownId of who has photos here
     * @param {number} news.pending photos, and `hidden`, and `private`; none of a kind is no choice
     */
    offer(news) {
      Object.assign(offered, news);
      offerChoices(part("by"), choicesOf(offered));
    },

    /** As if the visitor had chosen that person, or kind. */
    choose(choice) {
      search.value = "";
      offerChoices(part("by"), choicesOf(offered), choice);
      tell();
    },

    nameOf: (guestId) => offered.senders.find(({ id }) => id === guestId)?.name ?? "this guest",
  };
}

function choicesOf({ senders, ownId, pending, hidden, private: own }) {
  const others = senders.filter(({ id }) => id !== ownId);
  return [
    ["", "Everybody"],
    pending > 0 && ["pending", `Waiting for approval (${pending})`],
    hidden > 0 && ["hidden", `Hidden (${hidden})`],
    ownId && [ownId, "My photos"],
    own > 0 && ["private", "Only me"],
    ...others.map(({ id, name, photos }) => [id, `${name} (${photos})`]),
  ].filter(Boolean);
}

/** What is chosen stays, even when there is none of it left. */
function offerChoices(select, choices, chosen = select.value) {
  if (chosen && !choices.some(([value]) => value === chosen))
    choices.push([chosen, labelOf(chosen)]);
  const labels = choices.map(([, label]) => label).join();
  if (labels !== [...select.options].map(({ label }) => label).join()) {
    select.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
  }
  select.value = chosen;
}

function labelOf(choice) {
  const kinds = { pending: "Waiting for approval", hidden: "Hidden", private: "Only me" };
  return kinds[choice] ?? "This person";
}

function followFields(el, part, tell) {
  const search = el.querySelector("input");
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(tell, TYPED_MS);
  });
  part("by").addEventListener("change", tell);
  part("sort").addEventListener("change", tell);
  el.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    tell();
  });
  el.addEventListener("reset", () => {
    if (part("clear").matches(":focus-visible")) search.focus(); // it goes
    clearTimeout(timer);
    const { value: sort } = part("sort");
    timer = setTimeout(() => {
      part("sort").value = sort; // the fields are emptied after this event
      tell();
    });
  });
  part("by").addEventListener("focus", () => el.dispatchEvent(new CustomEvent("senders-wanted")));
}

const NOTHING = { pending: "Nothing is waiting.", hidden: "Nothing is hidden." };

function resultOf({ items, hasMore, selection }) {
  if (items.length === 0) return NOTHING[selection.only] ?? "No photos match.";
  return `${formatCount(items.length, "photo")}${hasMore ? " and more" : ""}`;
}
