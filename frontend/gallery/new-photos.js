/** A button that counts the photos that came while the visitor was looking at others further down. */

import { formatCount } from "../page/format.js";

/**
 * @param {HTMLButtonElement} el leads to the newest of them
 * @param {import("./gallery.js").Gallery} gallery
 * @param {import("./grid.js").PhotoGrid} grid
 */
export function mountNewPhotos(el, gallery, grid) {
  let ids = [];

  function update() {
    ids = ids.filter((id) => grid.isAboveView(id));
    el.hidden = ids.length === 0;
    if (!el.hidden) el.textContent = formatCount(ids.length, "new photo");
  }

  el.addEventListener("click", () => {
    grid.focusPhoto(ids.at(-1));
    update();
  });
  document.addEventListener("scroll", () => ids.length > 0 && update(), { passive: true });
  gallery.addEventListener("photos-changed", ({ detail: { arrived } }) => {
    ids = [...ids, ...arrived];
    update();
  });
}
