/** The composition of what changes who sees a photo: its owner's choice, and the hosts' word. */

import { changeVisibility, judgePhotos } from "./api.js";
import { errorOf, sentenceOf } from "./trouble.js";

/** @returns {(answer: Promise<void>, done: string) => Promise<boolean>} tells how it came out */
export function changePhotos({ gallery, viewer, lightbox, notice }) {
  const el = document.querySelector(".photo-grid");
  const underWay = new Map(); // photo's id → the last change of it

  async function act(answer, done) {
    const error = await errorOf(answer);
    const sentence = error ? sentenceOf(error, "It could not be changed just now") : done;
    if (sentence) notice.tell(sentence);
    await gallery.refresh().catch(() => {}); // live.js keeps trying
    return !error;
  }

  /** One after the other: whoever changes their mind before the first is answered is heard, too. */
  async function change(photo, answerOf, done) {
    const before = underWay.get(photo.id);
    const answered = Promise.resolve(before).then(() => act(answerOf(), done));
    underWay.set(photo.id, answered);
    try {
      await answered;
    } finally {
      if (underWay.get(photo.id) === answered) underWay.delete(photo.id);
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
