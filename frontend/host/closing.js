/** Lets a host close the gallery for uploads, and open it again, from the menu. */

import { setClosed } from "../page/api.js";
import { errorOf, orUndefined, sentenceOf } from "../page/patience.js";

/**
 * @param {HTMLElement} menu
 * @param {object} parts
 * @param {{refresh(): Promise<void>}} parts.gallery
 * @param {import("../page/visitor.js").Visitor} parts.visitor
 * @param {{tell(sentence: string), offer(sentence: string, undo: () => void)}} parts.notice
 */
export function mountClosing(menu, { gallery, visitor, notice }) {
  const button = menu.querySelector("[data-close-uploads]");

  function update() {
    button.textContent = visitor.closed ? "Reopen for uploads" : "Close for uploads";
  }

  async function change(isClosed) {
    const error = await errorOf(setClosed(isClosed));
    if (error) notice.tell(sentenceOf(error, "Couldn't change it"));
    else notice.offer(`${isClosed ? "Closed" : "Open"} for uploads.`, () => change(!isClosed));
    orUndefined(gallery.refresh()); // if it fails, live.js keeps trying
  }

  button.addEventListener("click", () => change(!visitor.closed));
  visitor.addEventListener("visitor-changed", update);
  menu.querySelector(".host-menu").hidden = false;
  update();
}
