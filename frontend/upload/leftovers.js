/** Offers to go on with photos that an earlier visit, or a closed tab, has left on their way. */

import { formatCount } from "../page/format.js";

/**
 * @param {HTMLElement} el
 * @param {object} parts
 * @param {import("./kept-files.js").KeptFiles} parts.keptFiles
 * @param {import("./queue.js").UploadQueue} parts.queue that goes on with them, or gives them up
 * @param {(sentence: string) => void} parts.say called when there is something to offer
 * @param {(hadFocus?: boolean) => void} parts.onShown called when the offer has come or gone
 */
export function offerLeftovers(el, { keptFiles, queue, say, onShown }) {
  const line = el.querySelector("[data-line]");
  let offered = [];

  function offer(ids) {
    offered = ids;
    el.hidden = ids.length === 0;
    const verb = ids.length === 1 ? "wasn't" : "weren't";
    line.textContent = `${formatCount(ids.length, "photo")} ${verb} finished.`;
  }

  async function look() {
    if (document.hidden) return;
    const ids = await keptFiles.findLeftovers();
    const isNews = el.hidden && ids.length > 0;
    offer(ids);
    if (isNews) say(line.textContent);
    onShown();
  }

  function take() {
    const ids = offered;
    offer([]);
    return ids;
  }

  keptFiles.onOtherTab = (ids) => {
    const taken = new Set(ids);
    if (!el.hidden) offer(offered.filter((id) => !taken.has(id)));
    onShown();
  };
  el.querySelector("[data-continue]").addEventListener("click", async () => {
    const kept = await keptFiles.claim(take());
    for (const [id, { file, visibility }] of kept) queue.add(file, visibility, id);
    onShown(true);
  });
  el.querySelector("[data-forget]").addEventListener("click", () => {
    queue.forget(take());
    onShown(true);
  });
  document.addEventListener("visibilitychange", look);
  look();
}
