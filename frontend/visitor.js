/** Whose page this is: it is loaded anew when somebody else has it, by another tab. */

import { fetchSettings } from "./api.js";
import { reached } from "./patience.js";

/**
 * Whoever signs in or out in one tab is another guest in all of them, and the pages do not know. So
 * each asks when it is looked at again, and when a photo was refused. While a guest's photos are on
 * their way it is left as it is: they go to who has signed in. Those of an account wait for it.
 * @param {Promise<object>} whenSettings of the server, as the page has begun
 * @param {Promise<import("./upload-queue.js").UploadQueue|null>} whenQueue
 */
export async function followVisitor(whenSettings, whenQueue) {
  const [{ guest, account }, queue] = await Promise.all([whenSettings, whenQueue]);
  // Without cookies everybody is another guest each time.
  if (!guest || !navigator.cookieEnabled) return;
  const isBusy = () => queue !== null && (queue.isBusy || queue.wouldLose);
  let isPutOff = false;
  let isLooking = false;

  async function look() {
    if (document.hidden || isLooking) return;
    isLooking = true;
    const present = await reached(fetchSettings());
    isLooking = false;
    if (!present || present.guest.id === guest.id) return;
    isPutOff = !account && isBusy();
    if (!isPutOff) location.reload();
  }

  function goOn({ detail: { upload } }) {
    if (upload.state === "failed") return void look();
    if (!isPutOff || isBusy()) return;
    isPutOff = false;
    look();
  }

  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", look);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  for (const name of ["upload-changed", "upload-removed"]) queue?.addEventListener(name, goOn);
}
