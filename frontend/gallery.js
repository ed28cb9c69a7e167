/** The photos that the page knows of, newest first. */

import { fetchChanges, fetchPhotos } from "./api.js";

const PAGE_PHOTOS = 100;

/**
 * Dispatches `photos-changed` {arrived: Set of ids that are new on the wall} after every change.
 * All that ask the server reject with `Unreachable` from api.js.
 */
export class Gallery extends EventTarget {
  photos = [];
  total = 0;
  #version = null;
  #next = null;
  #page = null;
  #refreshing = null;
  #isStale = false;

  get hasMore() {
    return this.#next !== null;
  }

  /** Loads older photos; calls made meanwhile share its promise. */
  loadMore() {
    this.#page ??= this.#loadPage().finally(() => (this.#page = null));
    return this.#page;
  }

  /** Takes in what came and went. However often it is called, one request is under way at a time. */
  refresh() {
    this.#isStale = true;
    this.#refreshing ??= this.#catchUp().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #catchUp() {
    while (this.#isStale) {
      this.#isStale = false;
      if (this.#version === null) await this.#loadFirstPage();
      else await this.#takeChanges();
    }
  }

  async #loadFirstPage() {
    const page = await fetchPhotos({ limit: PAGE_PHOTOS });
    this.photos = page.photos;
    this.#next = page.next;
    this.#version = page.version;
    this.#announce(page.total);
  }

  async #loadPage() {
    if (!this.hasMore) return;
    const cursor = this.#next;
    const page = await fetchPhotos({ limit: PAGE_PHOTOS, before: cursor });
    if (cursor !== this.#next) return; // the gallery was read anew meanwhile
    if (page.version < this.#version) return this.#loadPage(); // read before what is known by now
    this.photos = [...this.photos, ...this.#unknown(page.photos)];
    this.#next = page.next;
    this.#announce(page.total);
  }

  async #takeChanges() {
    const changes = await fetchChanges(this.#version);
    if (changes.reset) return this.#loadFirstPage();
    const isUnchanged = changes.version === this.#version;
    this.#version = changes.version;
    if (isUnchanged) return;
    const removed = new Set(changes.removed);
    const added = this.#unknown(changes.photos).filter((photo) => !removed.has(photo.id));
    this.photos = [...added, ...this.photos.filter((photo) => !removed.has(photo.id))];
    this.#announce(changes.total, new Set(added.map((photo) => photo.id)));
  }

  #unknown(photos) {
    const known = new Set(this.photos.map((photo) => photo.id));
    return photos.filter((photo) => !known.has(photo.id));
  }

  #announce(total, arrived = new Set()) {
    this.total = total;
    this.dispatchEvent(new CustomEvent("photos-changed", { detail: { arrived } }));
  }
}
