/** The composition of removal and its undo. */

import { removePhoto, restorePhoto, Unreachable } from "./api.js";

const find = (selector) => document.querySelector(selector);

/**
 * @param {object} parts
 * @param {import("./gallery.js").Gallery} parts.gallery
 * @param {object} parts.grid
 * @param {object} parts.lightbox
 * @param {object} parts.notice
 * @param {(photo: object) => boolean} parts.isOwn
 */
export function removePhotos({ gallery, grid, lightbox, notice, isOwn }) {
  const el = find(".notice");
  const underWay = new Set();
  let next = null; // the photo that came into the place of the one that was removed

  async function remove(photo) {
    const index = gallery.items.findIndex(({ id }) => id === photo.id);
    next = (gallery.items[index + 1] ?? gallery.items[index - 1])?.id;
    const trouble = await troubleOf(
      removePhoto(photo.id),
      "It could not be removed just now; please try again.",
    );
    refresh();
    if (trouble) return notice.tell(trouble);
    await lightbox.close();
    notice.offerUndo(photo.id);
  }

  const refresh = () => gallery.refresh().catch(() => {}); // live.js keeps trying

  find(".photo-grid").addEventListener("removal-asked", async ({ detail: { photo } }) => {
    if (!isOwn(photo) || underWay.has(photo.id)) return;
    underWay.add(photo.id);
    await remove(photo);
    underWay.delete(photo.id);
  });
  el.addEventListener("undo", async ({ detail: { ids } }) => {
    const restored = ids.map((id) =>
      troubleOf(restorePhoto(id), "It could not be undone just now; please try again."),
    );
    const trouble = (await Promise.all(restored)).find(Boolean);
    await refresh();
    if (trouble) notice.tell(trouble);
    else grid.focusPhoto(ids[0]);
  });
  el.addEventListener("notice-ended", ({ detail }) => detail.hadFocus && grid.focusPhoto(next));
}

/** What to tell of an answer; undefined when all is well. */
async function troubleOf(answer, unreachable) {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return error.isRefusal ? error.message : unreachable;
  }
}
