/** Search: which photos are shown, and in which order. A button opens its fields; what was chosen in
 * them is a row of chips above the grid. */

import { fetchGuests, fetchPhotos } from "../page/api.js";
import { formatCount } from "../page/format.js";
import { askPatiently, orUndefined } from "../page/patience.js";
import { parametersOf } from "./selection.js";

const TYPED_MS = 250; // after the last key
const KINDS = { pending: "Pending", hidden: "Hidden", private: "Private" };
const NOTHING = { pending: "All caught up ✓", hidden: "Nothing hidden" };

/**
 * @param {HTMLFormElement} el
 * @param {HTMLButtonElement} opener opens and closes the fields
 * @param {import("./gallery.js").Gallery} gallery
 * @param {import("../page/visitor.js").Visitor} visitor
 */
export function mountFilter(el, opener, gallery, visitor) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const search = el.querySelector("input");
  const offered = { guests: [], pending: 0, hidden: 0, private: 0 }; // to choose from
  let chosen = null; // the selection that is being loaded, or was last

  function read() {
    const { value } = part("by");
    const [by, only] = value in KINDS ? ["", value] : [value, ""];
    const [sort, order] = part("sort").value.split(" ");
    return { sort, order, by, words: search.value.trim(), only };
  }

  async function select() {
    const selection = (chosen = read());
    showChips();
    const isWanted = () => chosen === selection;
    el.setAttribute("aria-busy", "true");
    window.scrollTo({ top: 0, behavior: "instant" });
    let ask = () => gallery.select(selection);
    const answered = askPatiently(() => {
      const answer = ask();
      ask = () => gallery.refresh(); // unless live.js has loaded it by then
      return answer;
    }, isWanted);
    await orUndefined(answered); // when it is refused, what was shown stays
    if (isWanted()) el.setAttribute("aria-busy", "false");
  }

  function update() {
    const { isFiltered, selection, count } = gallery;
    part("result").textContent = isFiltered ? resultOf(gallery) : "";
    part("download").hidden = !isFiltered || count === 0;
    part("download").href = `/photos.zip?${new URLSearchParams(parametersOf(selection))}`;
  }

  /** Asks the server whose photos there are to choose from. */
  async function offer() {
    const answers = Promise.all([fetchGuests(), fetchPhotos({ only: "private", limit: 1 })]);
    const [guests, own] = (await orUndefined(answers)) ?? [];
    if (!guests) return;
    Object.assign(offered, { guests: guests.guests, private: own.photos.length });
    showChoices();
  }

  function showChoices(choice, name) {
    offerChoices(part("by"), choicesOf(offered, visitor), choice, name);
    showChips(); // whoever is chosen may have another name
  }

  const showChips = mountChips(el, opener, visitor, select);
  joinOpener(el, opener, offer);
  followFields(el, part, select);
  gallery.addEventListener("photos-changed", update);
  visitor.addEventListener("visitor-changed", () => showChoices());

  return {
    /**
     * @param {string} choice a guest's id, `pending`, `hidden` or `private`
     * @param {string|null} [name] of the guest, if it is known: it shows at once
     */
    choose(choice, name) {
      search.value = "";
      showChoices(choice, name);
      select();
      offer();
    },

    /** @param {{pending: number, hidden: number}} counts of photos, as hosts know them */
    count({ pending, hidden }) {
      Object.assign(offered, { pending, hidden });
      if (el.hasAttribute("data-open"))
        offer(); // people's counts are others, too
      else showChoices();
    },

    nameOf: (guestId) => offered.guests.find(({ id }) => id === guestId)?.name ?? "this guest",

    showAll() {
      search.value = "";
      part("by").value = "";
      return select();
    },
  };
}

function choicesOf({ guests, pending, hidden, private: own }, { id: ownId, hasPhotos }) {
  return [
    ["", "Everyone's photos"],
    pending > 0 && ["pending", `${KINDS.pending} (${pending})`],
    hidden > 0 && ["hidden", `${KINDS.hidden} (${hidden})`],
    hasPhotos && [ownId, "My photos"],
    own > 0 && ["private", KINDS.private],
    ...guests
      .filter(({ id }) => !hasPhotos || id !== ownId)
      .map(({ id, name, photos }) => [id, `${name} (${photos})`]),
  ].filter(Boolean);
}

/** What is chosen stays, even when there is none of it left, or it isn't known yet. */
function offerChoices(select, choices, chosen = select.value, name) {
  if (chosen && !choices.some(([value]) => value === chosen)) {
    const former = [...select.options].find(({ value }) => value === chosen);
    const known = KINDS[chosen] ?? (former && labelOf(former)) ?? name;
    choices.push([chosen, known ?? "Anonymous guest"]);
  }
  const labels = choices.map(([, label]) => label).join();
  if (labels !== [...select.options].map(({ label }) => label).join()) {
    select.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
  }
  select.value = chosen;
}

/** Of an option, without the number of photos. */
function labelOf({ label }) {
  return label.replace(/ \([\d,.]+\)$/, "");
}

function followFields(el, part, select) {
  const search = el.querySelector("input");
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(select, TYPED_MS);
  });
  part("by").addEventListener("change", select);
  part("sort").addEventListener("change", select);
  el.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    select();
  });
}

/**
 * Shows what is chosen, each with a button that takes it back. Room for it, and for what a host does
 * with all of it (`data-moderated`), is made before the photos are asked for: they move only once.
 * @returns {() => void} brings them up to date
 */
function mountChips(el, opener, visitor, onTakenBack) {
  const [chips, search] = [el.querySelector(".filter-chips"), el.querySelector("input")];
  const [by, sort] = [el.querySelector("[data-by]"), el.querySelector("[data-sort]")];

  function createChip(label, takeBack) {
    const template = document.getElementById("filter-chip");
    const chip = template.content.firstElementChild.cloneNode(true);
    chip.firstElementChild.textContent = label;
    chip.setAttribute("aria-label", `Remove ${label}`);
    chip.addEventListener("click", () => {
      takeBack();
      onTakenBack();
      (chips.querySelector("button") ?? opener).focus();
    });
    return chip;
  }

  return () => {
    const words = search.value.trim();
    const used = [
      words && [`“${words}”`, () => (search.value = "")],
      by.value && [labelOf(by.selectedOptions[0]), () => (by.value = "")],
      sort.selectedIndex > 0 && [labelOf(sort.selectedOptions[0]), () => (sort.selectedIndex = 0)],
    ].filter(Boolean);
    for (const each of [el, opener]) each.toggleAttribute("data-used", used.length > 0);
    const isJudged = ["pending", "hidden"].includes(by.value);
    const isAllOfOther = !words && !["", "private", visitor.id].includes(by.value);
    el.toggleAttribute("data-moderated", visitor.isHost && (isJudged || isAllOfOther));
    chips.hidden = used.length === 0;
    const shown = [...chips.children].map(({ textContent }) => textContent.trim());
    if (shown.join() === used.map(([label]) => label).join()) return; // one may have the focus
    chips.replaceChildren(...used.map(([label, takeBack]) => createChip(label, takeBack)));
  };
}

function joinOpener(el, opener, onOpen) {
  const fields = el.querySelector(".filter-fields");

  function toggle(isOpen) {
    const hadFocus = el.contains(document.activeElement);
    fields.hidden = !isOpen;
    el.toggleAttribute("data-open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) fields.firstElementChild.focus();
    else if (hadFocus) opener.focus();
    if (isOpen) onOpen();
  }

  const isOurs = (target) => el.contains(target) || opener.contains(target);
  opener.addEventListener("click", () => toggle(fields.hidden));
  el.addEventListener("submit", () => toggle(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || fields.hidden || !isOurs(event.target)) return;
    event.preventDefault(); // browsers would empty the field
    toggle(false);
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!fields.hidden && !isOurs(target)) toggle(false);
  });
}

function resultOf({ count, hasMore, selection }) {
  if (count === 0) return NOTHING[selection.only] ?? "No photos found";
  return `${formatCount(count, "photo")}${hasMore ? " and more" : ""}`;
}
