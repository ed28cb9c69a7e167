/** The composition of what changes who sees a photo: its owner's choice, and the hosts' word. */

import { changeVisibility, judgePhotos } from "./api.js";
import { audienceOf } from "./audience.js";
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

  el.addEventListener("visibility-asked", ({ detail: { photo, visibility } }) => {
    const done = audienceOf({ ...photo, visibility }, true) || shownTo(viewer.others);
    change(photo, () => changeVisibility(photo.id, visibility), done);
  });
  el.addEventListener("standing-asked", ({ detail: { photo, standing } }) => {
    const done = standing === "shown" ? shownTo("everyone") : "Hidden from the guests.";
    change(photo, () => judgePhotos([photo.id], standing), done);
  });
  return act;
}

function shownTo(others) {
  return `This photo can be seen by ${others} now.`;
}
