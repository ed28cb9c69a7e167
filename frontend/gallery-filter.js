/** Which photos are shown, and in which order. */

import { formatCount } from "./format.js";

const TYPED_MS = 250;
const WORTH_IT = 20; // photos: fewer are seen at once

/**
 * @param {HTMLFormElement} el Dispatches `selection-changed` {selection} and `senders-wanted` when
 *   the list of people is about to be opened.
 */
export function mountGalleryFilter(el) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const search = el.querySelector("input");
  const read = () => ({
    sort: part("sort").value,
    by: part("by").value,
    words: search.value.trim(),
  });
  const tell = () =>
    el.dispatchEvent(new CustomEvent("selection-changed", { detail: { selection: read() } }));
  followFields(el, part, tell);

  return {
    /** @param {import("./gallery.js").Gallery} gallery */
    update(gallery) {
      const { isFiltered } = gallery;
      el.hidden = gallery.total < WORTH_IT && !isFiltered && read().sort === "arrival";
      part("clear").hidden = !isFiltered;
      part("result").textContent = isFiltered ? resultOf(gallery) : "";
      part("download").hidden = !gallery.selection.by || gallery.items.length === 0;
      part("download").href = `/photos.zip?${new URLSearchParams({ by: gallery.selection.by })}`;
    },

    /**
     * @param {{id: string, name: string, photos: number}[]} senders
     * @param {string|null} ownId of who has photos here
     */
    offer(senders, ownId) {
      const chosen = part("by").value;
      const others = senders.filter(({ id }) => id !== ownId);
      const labels = others.map(({ id, name, photos }) => [id, `${name} (${photos})`]);
      const isKnown = chosen === ownId || senders.some(({ id }) => id === chosen);
      if (chosen && !isKnown) labels.push([chosen, "This person"]);
      const options = [["", "Everybody"], ...(ownId ? [[ownId, "My photos"]] : []), ...labels];
      part("by").replaceChildren(...options.map(([id, label]) => new Option(label, id)));
      part("by").value = chosen;
    },

    /** As if the visitor had chosen that person. */
    choose(guestId) {
      search.value = "";
      part("by").value = guestId;
      tell();
    },
  };
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

function resultOf({ items, hasMore }) {
  if (items.length === 0) return "No photos match.";
  return `${formatCount(items.length, "photo")}${hasMore ? " and more" : ""}`;
}
