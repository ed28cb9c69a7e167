/** The photos that the page knows of, in the order in which it shows them. */

import { fetchChanges, fetchOutline, fetchPhotos } from "./api.js";
import { askPatiently } from "./patience.js";
import { Places } from "./places.js";
import { matches, parametersOf } from "./selection.js";

const PAGE_PHOTOS = 100;
const PHOTOS_AT_ONCE = 60;

/**
 * Dispatches
 * - `photos-changed` {arrived, removed, changed: Sets of ids} after every change of `items`;
 *   removed is what is gone from the gallery, changed also what is not among the selected any more;
 * - `photos-loaded` {ids} when `photo` is known of items, or has changed.
 *
 * All that ask the server, but `load`, reject with `Unreachable` from api.js.
 */
export class Gallery extends EventTarget {
  total = 0; // in the gallery, whatever is selected
  version = null;
  selection = { sort: "arrival", by: "", words: "", only: "" };
  #places = new Places("arrival");
  #next = null;
  #rest = null;
  #refreshing = null;
  #isStale = false;
  #mustReset = false; // too much has happened to be told
  #wanted = [];
  #loading = null;

  /** @returns {import("./places.js").Item[]} */
  get items() {
    return this.#places.items;
  }

  /** Whether `items` goes on. */
  get hasMore() {
    return this.#next !== null;
  }

  get isFiltered() {
    const { by, words, only } = this.selection;
    return Boolean(by || words || only);
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

  /** Takes in what came and went. However often it is called, one request is under way at a time. */
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

  /** What is shown of this selection stays until all that takes its place is there. */
  async #loadAnew() {
    const { selection } = this;
    const isReset = this.version !== null;
    const page = await fetchPhotos({ limit: PAGE_PHOTOS, ...parametersOf(selection) });
    const rest = isReset ? await fetchRest(page.next, selection) : null;
    if (selection !== this.selection) return;
    const former = this.#places;
    this.#places = new Places(selection.sort, page.photos, rest?.photos);
    this.#next = rest ? rest.next : page.next;
    this.version = page.version;
    this.total = page.total;
    this.#mustReset = false;
    this.#announce(isReset ? differenceOf(former, this.#places, this.isFiltered) : {});
    this.#tell("photos-loaded", { ids: page.photos.map(({ id }) => id) });
    this.loadRest().catch(() => {}); // who scrolls there asks again
  }

  /** Learns the places of older photos; calls made meanwhile share its promise. False when there
   * are none. */
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
    const isAnother = before !== this.#next || selection !== this.selection;
    if (isAnother) return this.#loadOutline(); // it was read anew meanwhile
    if (missed?.reset) return this.#reset().then(() => true);
    const gone = new Set(missed && [...missed.removed, ...this.#misfits(missed)]);
    this.#places.append(outline.photos.filter(([id]) => !gone.has(id)));
    this.#next = outline.next;
    const late = missed?.photos.toReversed().filter((photo) => this.#insert(photo));
    this.#announce({ arrived: new Set(late?.map(({ id }) => id)) });
    return true;
  }

  /** What the gallery knows already, and an answer of this version does not; null when that is nothing. */
  async #fetchMissed(version) {
    let missed = null;
    for (let seen = version; seen < this.version; seen = missed.version) {
      missed = await fetchChanges(version);
      // Who is signed out meanwhile may not know of that version any more, however often one asks.
      if (missed.version <= seen) return { ...missed, reset: true };
    }
    return missed;
  }

  /** @param {import("./api.js").Changes[]} batch in order, each after a version that is known */
  async take(batch) {
    // What is not known, or is about to be read anew, takes no changes.
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
    if (this.version === null) return; // another selection was chosen meanwhile, and is next
    if (batch.some(({ reset }) => reset)) {
      this.#mustReset = this.#isStale = true;
      return;
    }
    const sum = { arrived: new Set(), removed: new Set(), changed: new Set() };
    const former = this.version;
    for (const changes of batch) this.#apply(changes, sum);
    if (this.version !== former) this.#announce(sum);
    if (sum.changed.size > 0) this.#tell("photos-loaded", { ids: sum.changed });
  }

  #apply(changes, { arrived, removed, changed }) {
    if (changes.version <= this.version) return;
    this.version = changes.version;
    this.total = changes.total;
    this.#rename(changes.guests);
    for (const photo of changes.photos.toReversed()) {
      removed.delete(photo.id);
      const item = this.find(photo.id);
      if (item) {
        item.photo = photo;
        changed.add(photo.id);
      } else if (this.#insert(photo)) arrived.add(photo.id);
    }
    const lost = this.#places.remove([...changes.removed, ...this.#misfits(changes)]);
    for (const id of lost) arrived.delete(id);
    for (const id of changes.removed) removed.add(id);
  }

  /** Ids of photos that have changed, and are not among those that are shown now. */
  #misfits({ photos }) {
    return photos.filter((photo) => !matches(photo, this.selection)).map(({ id }) => id);
  }

  #rename(guests) {
    const names = new Map(guests.map(({ id, name }) => [id, name]));
    if (names.size === 0) return;
    const renamed = this.items.filter(({ photo }) => photo && names.has(photo.by.id));
    for (const { photo } of renamed) photo.by.name = names.get(photo.by.id);
    this.#tell("photos-loaded", { ids: renamed.map(({ id }) => id) });
  }

  /** Whether it is among the photos that are shown, and was not. */
  #insert(photo) {
    return matches(photo, this.selection) && this.#places.insert(photo, this.hasMore);
  }

  /** Asks for what is not known yet of these photos, and for none that was wanted before. */
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
    if (ids.length === 0) return; // they have become known meanwhile
    const { photos } = await fetchPhotos({ ids: ids.join(",") });
    this.#wanted = this.#wanted.filter((id) => !ids.includes(id));
    this.#know(photos);
  }

  /** What the stream has told of them meanwhile is newer. */
  #know(photos) {
    for (const photo of photos) {
      const item = this.find(photo.id);
      if (item) item.photo ??= photo;
    }
    this.#tell("photos-loaded", { ids: photos.map(({ id }) => id) });
  }

  /** One photo, wherever it is; null when it is not in the gallery. */
  async findPhoto(id) {
    const known = this.find(id)?.photo;
    if (known) return known;
    const { photos } = await fetchPhotos({ ids: id });
    this.#know(photos);
    return photos[0] ?? null;
  }

  #announce({ arrived = new Set(), removed = new Set(), changed = new Set() } = {}) {
    this.#tell("photos-changed", { arrived, removed, changed });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function fetchRest(before, selection) {
  return before === null ? null : fetchOutline({ before, ...parametersOf(selection) });
}

/** What arrived last comes last, as when it is told. What has left a selection may not be gone. */
function differenceOf(former, present, isFiltered) {
  const arrived = new Set(present.without(former).reverse());
  return { arrived, removed: new Set(isFiltered ? [] : former.without(present)) };
}
