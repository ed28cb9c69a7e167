/** The composition of what changes who sees a photo: its owner's choice, and the hosts' word. */

import { changeVisibility, judgePhotos } from "./api.js";
import { errorOf, sentenceOf } from "./trouble.js";

/** @returns {(answer: Promise<void>, done: string) => Promise<boolean>} tells how it came out */
export function changePhotos({ gallery, viewer, lightbox, notice }) {
  const el = document.querySelector(".photo-grid");
  const underWay = new Set();

  async function act(answer, done) {
    const error = await errorOf(answer);
    const sentence = error ? sentenceOf(error, "It could not be changed just now") : done;
    if (sentence) notice.tell(sentence);
    await gallery.refresh().catch(() => {}); // live.js keeps trying
    return !error;
  }

  async function change(photo, answerOf, done) {
    if (underWay.has(photo.id)) return;
    underWay.add(photo.id);
    try {
      await act(answerOf(), done);
    } finally {
      underWay.delete(photo.id);
    }
    if (!gallery.find(photo.id)) lightbox.leave(photo.id); // it is not among the chosen any more
  }

  /** By its name: another photo may be looked at by then. */
  function doneTo(photo) {
    if (photo.visibility === "owner") return `Only you see “${photo.name}” now.`;
    if (photo.standing === "pending") return `“${photo.name}” waits for approval.`;
    if (photo.standing === "hidden") return `“${photo.name}” is hidden from the guests.`;
    return `“${photo.name}” can be seen by ${viewer.others} now.`;
  }

  el.addEventListener("visibility-asked", ({ detail: { photo, visibility } }) => {
    change(photo, () => changeVisibility(photo.id, visibility), doneTo({ ...photo, visibility }));
  });
  el.addEventListener("standing-asked", ({ detail: { photo, standing } }) => {
    change(photo, () => judgePhotos([photo.id], standing), doneTo({ ...photo, standing }));
  });
  return act;
}
