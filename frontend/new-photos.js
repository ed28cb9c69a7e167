/** Tells of photos that came while the visitor was looking at others, further down. */

import { formatCount } from "./format.js";

/**
 * @param {HTMLButtonElement} el Dispatches `newest-wanted` {id}.
 * @param {(id: string) => boolean} isAboveView whether one would have to scroll up to see it
 */
export function mountNewPhotos(el, isAboveView) {
  let ids = [];

  function update() {
    ids = ids.filter(isAboveView);
    el.hidden = ids.length === 0;
    if (!el.hidden) el.textContent = formatCount(ids.length, "new photo");
  }

  el.addEventListener("click", () => {
    el.dispatchEvent(new CustomEvent("newest-wanted", { detail: { id: ids.at(-1) } }));
    update();
  });
  document.addEventListener("scroll", () => ids.length > 0 && update(), { passive: true });

  return {
    /** @param {Iterable<string>} arrived */
    add(arrived) {
      ids.push(...arrived);
      update();
    },
  };
}
