/** The places of photos, in the order in which they are shown. */

import { isNewer, momentOf } from "./selection.js";

/**
 * @typedef {object} Item one photo's place
 * @property {string} id
 * @property {number} ratio width to height
 * @property {number} moment that it is sorted by, seconds since 1970
 * @property {object|null} photo as `GET /api/photos` describes it, once that is known
 */

export class Places {
  /** @type {Item[]} another array after every change */
  items;
  #sort;
  #byId;

  /**
   * @param {"arrival"|"taken"} sort
   * @param {object[]} photos sorted
   * @param {Array[]} outlined photos behind those, as `GET /api/outline` describes them
   */
  constructor(sort, photos = [], outlined = []) {
    this.#sort = sort;
    this.items = [...photos.map((photo) => this.#itemOf(photo)), ...outlined.map(itemOfOutline)];
    this.#byId = new Map(this.items.map((item) => [item.id, item]));
  }

  /** @returns {Item|undefined} */
  find(id) {
    return this.#byId.get(id);
  }

  /** Those of an outline that are not here yet, behind all that are. */
  append(outlined) {
    const items = outlined.filter(([id]) => !this.find(id)).map(itemOfOutline);
    this.items = [...this.items, ...items];
    for (const item of items) this.#byId.set(item.id, item);
  }

  /** @param {boolean} hasMore whether what comes behind all others is left to come with the rest
   * @returns {boolean} whether it has a place now that it had not */
  insert(photo, hasMore) {
    let [place, end] = [0, this.items.length]; // it is somewhere between them
    while (place < end) {
      const middle = (place + end) >> 1;
      if (isNewer(photo, this.items[middle], this.#sort)) end = middle;
      else place = middle + 1;
    }
    if (this.find(photo.id) || (place === this.items.length && hasMore)) return false;
    const item = this.#itemOf(photo);
    this.items = this.items.toSpliced(place, 0, item);
    this.#byId.set(photo.id, item);
    return true;
  }

  /** @returns {string[]} ids of those that were here */
  remove(ids) {
    const gone = [...ids].filter((id) => this.#byId.delete(id));
    if (gone.length > 0) this.items = this.items.filter(({ id }) => this.find(id));
    return gone;
  }

  /** Ids, in order, of those that others do not have. */
  without(others) {
    return this.items.map(({ id }) => id).filter((id) => !others.find(id));
  }

  #itemOf(photo) {
    return {
      id: photo.id,
      ratio: photo.width / photo.height,
      moment: momentOf(photo, this.#sort),
      photo,
    };
  }
}

function itemOfOutline([id, ratio, moment]) {
  return { id, ratio, moment, photo: null };
}
