/** The composition of removal and its undo. */

import { removePhoto, restorePhotos } from "./api.js";
import { errorOf, sentenceOf } from "./trouble.js";

const find = (selector) => document.querySelector(selector);

/**
 * @param {object} parts
 * @param {import("./gallery.js").Gallery} parts.gallery
 * @param {object} parts.grid
 * @param {object} parts.lightbox
 * @param {object} parts.notice
 * @param {import("./viewer.js").Viewer} parts.viewer
 */
export function removePhotos({ gallery, grid, lightbox, notice, viewer }) {
  const el = find(".notice");
  const underWay = new Set();
  const own = new Set(); // ids of the viewer's photos that were removed
  let next = null; // the photo that came into the place of the one that was removed

  async function remove(photo) {
    const index = gallery.items.findIndex(({ id }) => id === photo.id);
    next = (gallery.items[index + 1] ?? gallery.items[index - 1])?.id;
    const error = await errorOf(removePhoto(photo.id));
    refresh();
    if (error) return notice.tell(sentenceOf(error, "It could not be removed just now"));
    if (viewer.owns(photo)) {
      viewer.count(-1);
      own.add(photo.id);
    }
    await lightbox.close();
    notice.offerUndo(photo.id);
  }

  async function undo(removals) {
    const error = await errorOf(restorePhotos(removals.map(({ id }) => id)));
    if (!error) viewer.count(removals.filter(({ id }) => own.has(id)).length);
    await refresh();
    if (!error) return grid.focusPhoto(removals[0].id);
    const again = error.isRefusal ? [] : removals;
    notice.offerAgain(again, sentenceOf(error, "It could not be undone just now"));
  }

  const refresh = () => gallery.refresh().catch(() => {}); // live.js keeps trying

  find(".photo-grid").addEventListener("removal-asked", async ({ detail: { photo } }) => {
    if (!viewer.mayRemove(photo) || underWay.has(photo.id)) return;
    underWay.add(photo.id);
    try {
      await remove(photo);
    } finally {
      underWay.delete(photo.id);
    }
  });
  el.addEventListener("undo", ({ detail }) => undo(detail.removals));
  el.addEventListener("notice-ended", ({ detail }) => detail.hadFocus && grid.focusPhoto(next));
}
