/** Takes pictures that are withdrawn out of the browser's cache, where they would stay for a year. */

import { renewInCache } from "./api.js";

const THUMBNAIL = /\/thumbnails\/([0-9a-f]{32})\/\d+\.webp$/;

/** @param {import("./gallery.js").Gallery} gallery */
export function withdrawPictures(gallery) {
  const shown = new Map(); // photo id → Set of addresses, of pictures that this page has loaded
  let queue = Promise.resolve();

  function note(entry) {
    const id = entry.initiatorType !== "fetch" && THUMBNAIL.exec(entry.name)?.[1];
    if (id) shown.set(id, (shown.get(id) ?? new Set()).add(entry.name));
  }

  /** One after the other: nobody waits for it, and all pages do it at the same time. */
  function withdraw(id) {
    const addresses = shown.get(id) ?? [];
    shown.delete(id);
    for (const address of addresses) queue = queue.then(() => renewInCache(address));
  }

  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  observer.observe({ type: "resource", buffered: true });
  gallery.addEventListener("photos-changed", ({ detail: { removed } }) => {
    observer.takeRecords().forEach(note);
    removed.forEach(withdraw);
  });
}
