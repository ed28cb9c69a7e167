/** The photos that the page knows of, in the order in which it shows them: the model that everything
 * that shows photos listens to. */

import { fetchChanges, fetchOutline, fetchPhotos } from "../page/api.js";
import { askPatiently, orUndefined } from "../page/patience.js";
import { Places } from "./places.js";
import { matches, momentOf, parametersOf } from "./selection.js";

const PAGE_PHOTOS = 100;
const PHOTOS_AT_ONCE = 60;

/**
 * Dispatches
 * - `photos-changed` {arrived, removed, changed: Sets of ids} after every change of `items`;
 *   `removed` are gone from the gallery, `changed` may no longer be in the selection;
 * - `photos-loaded` {ids} when the `photo` of items was loaded, or has changed.
 *
 * What asks the server rejects with the errors of api.js; `load` with refusals alone.
 */
export class Gallery extends EventTarget {
  total = 0; // in the gallery, whatever is selected
  closed = null; // until when photos were collected, in a sentence; null while they are
  /** Of the gallery, as far as `items` has followed it; null while another selection is loaded. */
  version = null;
  /** @type {import("./selection.js").Selection} */
  selection = { sort: "arrival", order: "newest", by: "", words: "", only: "" };
  #places = new Places(this.selection);
  #next = null;
  #end = null; // moment of the last photo of the list, if the server has told
  #rest = null;
  #refreshing = null;
  #isStale = false;
  #mustReset = false; // more has changed than the server lists
  #held = new Set(); // ids of those that stay in `items` though they may not match
  #wanted = []; // ids
  #loading = null;

  /** @returns {import("./places.js").Item[]} */
  get items() {
    return this.#places.items;
  }

  /** Whether there are older photos than `items` has. */
  get hasMore() {
    return this.#next !== null;
  }

  /** Moments of the first and the last photo of the list, as far as these are known. */
  get ends() {
    const { items } = this;
    const last = items.at(-1)?.moment ?? 0;
    return [items[0]?.moment ?? 0, (this.hasMore && this.#end) || last];
  }

  get isFiltered() {
    const { by, words, only } = this.selection;
    return Boolean(by || words || only);
  }

  /** The number of `items` that the selection has; others may keep their place for a while. */
  get count() {
    return this.items.length - this.#excluded(this.#held).length;
  }

  /** @returns {import("./places.js").Item|undefined} */
  find(id) {
    return this.#places.find(id);
  }

  /** Shows other photos, or the same in another order. */
  select(selection) {
    this.selection = selection;
    this.version = null;
    this.#next = null;
    this.#mustReset = false;
    return this.refresh();
  }

  /** Follows what came and went. However often it is called, one request is under way at a time. */
  refresh() {
    this.#isStale = true;
    this.#refreshing ??= this.#catchUp().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #catchUp() {
    while (this.#isStale) {
      this.#isStale = false;
      if (this.version === null || this.#mustReset) await this.#loadAnew();
      else {
        const changes = await fetchChanges(this.version);
        this.#takeIn([changes]);
        this.#isStale ||= changes.more;
      }
    }
  }

  /** Loads the list from the start. What is shown stays until all that replaces it is there. */
  async #loadAnew() {
    const { selection } = this;
    const isReset = this.version !== null;
    const page = await fetchPhotos({ limit: PAGE_PHOTOS, ...parametersOf(selection) });
    const rest = isReset ? await fetchRest(page.next, selection) : null;
    if (selection !== this.selection) return;
    const former = this.#places;
    this.#places = new Places(selection, page.photos, rest?.photos);
    this.#held.clear();
    this.#next = rest ? rest.next : page.next;
    this.#end = page.end && momentOf({ uploaded: page.end }, "arrival");
    this.version = page.version;
    this.total = page.total;
    this.closed = page.closed;
    this.#mustReset = false;
    this.#announce(isReset ? differenceOf(former, this.#places, this) : {});
    this.#tellLoaded(page.photos.map(({ id }) => id));
    orUndefined(this.loadRest()); // scrolling there asks again
  }

  /**
   * Loads the outline of older photos; calls made meanwhile share its promise.
   * @returns {Promise<boolean>} false when there are none
   */
  loadRest() {
    this.#rest ??= this.#loadOutline().finally(() => (this.#rest = null));
    return this.#rest;
  }

  async #loadOutline() {
    const { selection } = this;
    const before = this.#next;
    if (before === null) return false;
    const outline = await fetchRest(before, selection);
    const missed = await this.#fetchMissed(outline.version);
    const isOutdated = before !== this.#next || selection !== this.selection;
    if (isOutdated) return this.#loadOutline(); // the list was loaded anew meanwhile
    if (missed?.reset) return this.#reset().then(() => true);
    const gone = new Set(missed && [...missed.removed, ...this.#noLongerMatching(missed)]);
    this.#places.append(outline.photos.filter(([id]) => !gone.has(id)));
    this.#next = outline.next;
    const late = missed?.photos.reverse().filter((photo) => this.#insert(photo));
    this.#announce({ arrived: new Set(late?.map(({ id }) => id)) });
    return true;
  }

  /** The changes that `items` has followed, but an answer of this version has not; null when none. */
  async #fetchMissed(version) {
    let missed = null;
    for (let seen = version; seen < this.version; seen = missed.version) {
      missed = await fetchChanges(version);
      // A visitor who was signed out meanwhile never sees that version again, however often one asks.
      if (missed.version <= seen) return { ...missed, reset: true };
    }
    return missed;
  }

  /** @param {import("../page/api.js").Changes[]} batch from the live stream, in order */
  async take(batch) {
    // A list that is being loaded anew will have these changes.
    if (this.version === null || this.#mustReset) return this.refresh();
    this.#takeIn(batch);
    if (this.#mustReset) await this.refresh();
    return undefined;
  }

  #reset() {
    this.#mustReset = true;
    return this.refresh();
  }

  #takeIn(batch) {
    if (this.version === null) return; // another selection is being loaded
    if (batch.some(({ reset }) => reset)) {
      this.#mustReset = this.#isStale = true;
      return;
    }
    const sum = { arrived: new Set(), removed: new Set(), changed: new Set() };
    const former = this.version;
    for (const changes of batch) this.#apply(changes, sum);
    if (this.version !== former) this.#announce(sum);
    if (sum.changed.size > 0) this.#tellLoaded(sum.changed);
  }

  #apply(changes, { arrived, removed, changed }) {
    if (changes.version <= this.version) return;
    this.version = changes.version;
    this.total = changes.total;
    this.closed = changes.closed;
    this.#rename(changes.guests);
    for (const photo of [...changes.photos].reverse()) {
      removed.delete(photo.id);
      const item = this.find(photo.id);
      if (item) {
        item.photo = photo;
        changed.add(photo.id);
      } else if (this.#insert(photo)) arrived.add(photo.id);
    }
    const lost = this.#places.remove([...changes.removed, ...this.#noLongerMatching(changes)]);
    for (const id of lost) arrived.delete(id);
    for (const id of changes.removed) removed.add(id);
  }

  /** Ids of changed photos that the selection excludes now. */
  #noLongerMatching({ photos }) {
    const isExcluded = (photo) => !this.#held.has(photo.id) && !matches(photo, this.selection);
    return photos.filter(isExcluded).map(({ id }) => id);
  }

  /** Shows a photo as it will be once the server has answered. It keeps its place until it is let go. */
  assume(photo) {
    this.#held.add(photo.id);
    const item = this.find(photo.id);
    if (item) item.photo = photo;
    this.#tellLoaded([photo.id]);
  }

  /**
   * Photos that were assumed leave `items` if the selection excludes them.
   * @param {(id: string) => boolean} isToGo
   */
  letGo(isToGo) {
    const ids = [...this.#held].filter(isToGo);
    for (const id of ids) this.#held.delete(id);
    if (this.#places.remove(this.#excluded(ids)).length > 0) this.#announce({});
  }

  /** Ids of those of these items that the selection excludes. */
  #excluded(ids) {
    const isExcluded = ({ photo }) => photo && !matches(photo, this.selection);
    return [...ids].filter((id) => this.find(id) && isExcluded(this.find(id)));
  }

  #rename(guests) {
    const names = new Map(guests.map(({ id, name }) => [id, name]));
    if (names.size === 0) return;
    const renamed = this.items.filter(({ photo }) => photo && names.has(photo.by.id));
    for (const { photo } of renamed) photo.by.name = names.get(photo.by.id);
    this.#tellLoaded(renamed.map(({ id }) => id));
  }

  /** @returns {boolean} whether the photo has come into `items` */
  #insert(photo) {
    return matches(photo, this.selection) && this.#places.insert(photo, this.hasMore);
  }

  /** Loads these photos' details; an earlier wish that was not sent yet is dropped. */
  load(ids) {
    this.#wanted = ids;
    this.#loading ??= this.#loadWanted().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #loadWanted() {
    const next = () => this.#wanted.filter((id) => this.find(id)?.photo === null);
    while (next().length > 0) {
      await askPatiently(() => this.#loadPhotos(next().slice(0, PHOTOS_AT_ONCE)));
    }
  }

  async #loadPhotos(ids) {
    if (ids.length === 0) return; // they were loaded meanwhile
    const { photos } = await fetchPhotos({ ids: ids.join(",") });
    this.#wanted = this.#wanted.filter((id) => !ids.includes(id));
    this.#fill(photos);
  }

  /** Details that came by the stream meanwhile are newer, and stay. */
  #fill(photos) {
    for (const photo of photos) {
      const item = this.find(photo.id);
      if (item) item.photo ??= photo;
    }
    this.#tellLoaded(photos.map(({ id }) => id));
  }

  /**
   * Finds one photo, in the selection or not.
   * @returns {Promise<import("../page/api.js").Photo|null>} null when it is not in the gallery
   */
  async findPhoto(id) {
    const known = this.find(id)?.photo;
    if (known) return known;
    const { photos } = await fetchPhotos({ ids: id });
    this.#fill(photos);
    return photos[0] ?? null;
  }

  /** @param {{arrived?: Set<string>, removed?: Set<string>, changed?: Set<string>}} sets of ids */
  #announce({ arrived = new Set(), removed = new Set(), changed = new Set() }) {
    const detail = { arrived, removed, changed };
    this.dispatchEvent(new CustomEvent("photos-changed", { detail }));
  }

  /** @param {Iterable<string>} ids */
  #tellLoaded(ids) {
    this.dispatchEvent(new CustomEvent("photos-loaded", { detail: { ids } }));
  }
}

function fetchRest(before, selection) {
  return before === null ? null : fetchOutline({ before, ...parametersOf(selection) });
}

/** The newest of `arrived` comes last, as in the stream. What has left a selection may not be gone. */
function differenceOf(former, present, { isFiltered, selection }) {
  const added = present.without(former);
  const arrived = new Set(selection.order === "newest" ? added.reverse() : added);
  return { arrived, removed: new Set(isFiltered ? [] : former.without(present)) };
}
