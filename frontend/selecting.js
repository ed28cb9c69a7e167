/** The composition of the filter with the gallery: which photos are shown, and of whom. */

import { fetchGuests, fetchPhotos } from "./api.js";
import { mountGalleryFilter } from "./gallery-filter.js";
import { askPatiently, reached } from "./patience.js";

/**
 * @param {import("./gallery.js").Gallery} gallery
 * @param {import("./viewer.js").Viewer} viewer
 */
export function selectPhotos(gallery, viewer) {
  const el = document.querySelector(".gallery-filter");
  const filter = mountGalleryFilter(el);
  let offeredId; // undefined before there was anything to offer
  let chosen = null;

  async function offer() {
    const answers = Promise.all([fetchGuests(), fetchPhotos({ only: "private", limit: 1 })]);
    const [senders, own] = (await reached(answers)) ?? [];
    if (!senders) return;
    filter.offer({ senders: senders.guests, ownId: viewer.ownId, private: own.photos.length });
  }

  async function select({ detail: { selection } }) {
    chosen = selection;
    el.ariaBusy = "true";
    window.scrollTo({ top: 0, behavior: "instant" });
    let ask = () => gallery.select(selection);
    await askPatiently(
      () => {
        const answer = ask();
        ask = () => gallery.refresh(); // unless live.js has read it by then
        return answer;
      },
      () => chosen === selection,
    );
    if (chosen === selection) el.ariaBusy = "false";
  }

  function update() {
    filter.update(gallery);
    if (el.hidden || offeredId === viewer.ownId) return;
    offeredId = viewer.ownId;
    offer();
  }

  el.addEventListener("selection-changed", select);
  el.addEventListener("senders-wanted", offer);
  gallery.addEventListener("photos-changed", update);
  return {
    /** @param {string} choice a guest's id, `pending`, `hidden` or `private` */
    choose: (choice) => offer().then(() => filter.choose(choice)),

    /** @param {{pending: number, hidden: number}} counts of photos, as hosts know them */
    count({ pending, hidden }) {
      filter.offer({ pending, hidden });
      update();
    },

    nameOf: (guestId) => filter.nameOf(guestId),

    showAll() {
      el.reset();
      const all = { ...gallery.selection, by: "", words: "", only: "" };
      return select({ detail: { selection: all } });
    },
  };
}
