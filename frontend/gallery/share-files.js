/** Gives photos to the system's share sheet as files: so they get into a phone's own library. */

import { fetchOriginal } from "../page/api.js";
import { formatCount } from "../page/format.js";
import { errorOf } from "../page/patience.js";

const MOST_BYTES = 200 * 1024 ** 2; // what a phone's memory has room for

let ready = { key: "", files: [] }; // the last ones that were loaded

/** Whether this browser gives photos to a share sheet at all. */
export function canShareFiles() {
  const files = [new File([""], "photo.jpg", { type: "image/jpeg" })];
  return Boolean(navigator.canShare?.({ files }));
}

/**
 * Loads these photos and opens the share sheet with them; says so if it can't.
 * @param {import("../page/api.js").Photo[]} photos
 * @param {(sentence: string) => void} tell
 */
export async function shareFiles(photos, tell) {
  const bytes = photos.reduce((sum, photo) => sum + photo.bytes, 0);
  if (bytes > MOST_BYTES) return tell("Too many to share at once. Download them instead.");
  const key = photos.map(({ id }) => id).join();
  if (ready.key !== key) {
    tell(`Getting ${formatCount(photos.length, "photo")} ready…`);
    const loading = Promise.all(photos.map(fileOf));
    if (await errorOf(loading)) return tell("Couldn't load them. Try again.");
    ready = { key, files: await loading };
  }
  // A share sheet opens only within a few seconds after a tap.
  if (navigator.userActivation?.isActive === false) return tell("Ready. Tap Share again.");
  const { files } = ready;
  const isShared = navigator.canShare({ files }) && (await isTaken(navigator.share({ files })));
  return isShared || tell("Can't share these. Download them instead.");
}

async function fileOf(photo) {
  const content = await fetchOriginal(photo);
  return new File([content], photo.name, { type: content.type });
}

/** Whether the sheet was opened: to close it again is the visitor's choice. */
function isTaken(sharing) {
  return sharing.then(
    () => true,
    ({ name }) => name === "AbortError",
  );
}
