/** Evicts the thumbnails of removed photos from the browser's cache, where they would stay for a year. */

import { renewInCache } from "../page/api.js";

const THUMBNAIL = /\/thumbnails\/([0-9a-f]{32})\/\d+\.webp$/;

/** @param {import("./gallery.js").Gallery} gallery */
export function evictRemovedPhotos(gallery) {
  const loaded = new Map(); // photo id → Set of addresses of its thumbnails that this page has loaded
  let queue = Promise.resolve();

  function note(entry) {
    const id = entry.initiatorType !== "fetch" && THUMBNAIL.exec(entry.name)?.[1];
    if (id) loaded.set(id, (loaded.get(id) ?? new Set()).add(entry.name));
  }

  /** One after the other: nothing waits for it, and all open pages do it at the same time. */
  function evict(id) {
    for (const address of loaded.get(id) ?? []) queue = queue.then(() => renewInCache(address));
    loaded.delete(id);
  }

  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  observer.observe({ type: "resource", buffered: true });
  gallery.addEventListener("photos-changed", ({ detail: { removed } }) => {
    observer.takeRecords().forEach(note);
    removed.forEach(evict);
  });
}
