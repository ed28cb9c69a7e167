/** Lets a host close the gallery for uploads, and open it again, from the menu. */

import { closeForUploads, fetchHostOverview, reopenForUploads } from "../page/api.js";
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

  /** @param {Promise<void>} changed @param {() => void} undo */
  async function tell(changed, sentence, undo) {
    const error = await errorOf(changed);
    if (error) notice.tell(sentenceOf(error, "Couldn't change it"));
    else notice.offer(sentence, undo);
    orUndefined(gallery.refresh()); // if it fails, live.js keeps trying
  }

  /** @param {string} [since] when it was closed, if that was only interrupted */
  function close(since) {
    tell(closeForUploads(since), "Closed for uploads.", reopen);
  }

  async function reopen() {
    const former = await orUndefined(fetchHostOverview());
    tell(reopenForUploads(), "Open for uploads.", () => close(former?.closed_at));
  }

  button.addEventListener("click", () => (visitor.closed ? reopen() : close()));
  visitor.addEventListener("visitor-changed", update);
  menu.querySelector(".host-menu").hidden = false;
  update();
}
