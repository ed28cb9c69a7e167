/** The composition of the lightbox with the grid and the gallery. */

import { loadLibrary } from "./library.js";
import { mountLightbox } from "./lightbox.js";
import { reached } from "./patience.js";

/**
 * PhotoSwipe is loaded when it is needed first.
 * @param {import("./viewer.js").Viewer} viewer
 */
export function enlargePhotos(gallery, grid, viewer) {
  const el = document.querySelector(".photo-grid");
  let lightbox = null;
  const whenClosed = [];

  async function open(photo) {
    const PhotoSwipe = await loadLibrary("PhotoSwipe").catch(() => null);
    // In a tab of its own: uploads may be on their way in this one.
    if (!PhotoSwipe) return void window.open(photo.url);
    lightbox ??= mountLightbox(el, { PhotoSwipe, findTile: (id) => grid.reveal(id), viewer });
    lightbox.open(photo.id, gallery.items);
  }

  el.addEventListener("photo-chosen", (event) => {
    event.preventDefault();
    open(event.detail.photo);
  });
  el.addEventListener("photo-shown", ({ detail }) => grid.reveal(detail.id));
  el.addEventListener("end-near", () => reached(gallery.loadRest()));
  el.addEventListener("lightbox-closed", ({ detail }) => {
    grid.focusPhoto(detail.id);
    for (const resolve of whenClosed.splice(0)) resolve();
  });
  gallery.addEventListener("photos-changed", ({ detail }) =>
    lightbox?.follow(gallery.items, detail),
  );
  gallery.addEventListener("photos-loaded", ({ detail }) => lightbox?.renew(detail.ids));
  return {
    open,
    get isOpen() {
      return Boolean(lightbox?.isOpen);
    },
    leave: (id) => lightbox?.leave(id),
    close: () =>
      new Promise((resolve) => {
        if (lightbox?.close()) whenClosed.push(resolve);
        else resolve();
      }),
  };
}
