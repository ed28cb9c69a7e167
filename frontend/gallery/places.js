/** The list of photos that are shown, in their order. */

import { isNewer, momentOf } from "./selection.js";

/**
 * @typedef {object} Item one photo's place
 * @property {string} id
 * @property {number} ratio width to height
 * @property {number} moment that it is sorted by, seconds since 1970
 * @property {import("../page/api.js").Photo|null} photo its details, once they are loaded
 */

export class Places {
  /** @type {Item[]} another array after every change */
  items;
  #sort;
  #order;
  #byId;

  /**
   * @param {import("./selection.js").Selection} selection by whose `sort` and `order` they are here
   * @param {import("../page/api.js").Photo[]} photos sorted
   * @param {Array[]} outlined photos behind those, as `GET /api/outline` describes them
   */
  constructor({ sort, order }, photos = [], outlined = []) {
    this.#sort = sort;
    this.#order = order;
    this.items = [...photos.map((photo) => this.#itemOf(photo)), ...outlined.map(itemOfOutline)];
    this.#byId = new Map(this.items.map((item) => [item.id, item]));
  }

  /** @returns {Item|undefined} */
  find(id) {
    return this.#byId.get(id);
  }

  /** Appends those of an outline that are not here yet. */
  append(outlined) {
    const items = outlined.filter(([id]) => !this.find(id)).map(itemOfOutline);
    this.items = [...this.items, ...items];
    for (const item of items) this.#byId.set(item.id, item);
  }

  /**
   * @param {import("../page/api.js").Photo} photo
   * @param {boolean} hasMore whether the list goes on: a photo behind all others comes later then
   * @returns {boolean} whether it was inserted
   */
  insert(photo, hasMore) {
    let [place, end] = [0, this.items.length];
    while (place < end) {
      const middle = (place + end) >> 1;
      const isFirst = this.#order === "newest";
      if (isNewer(photo, this.items[middle], this.#sort) === isFirst) end = middle;
      else place = middle + 1;
    }
    if (this.find(photo.id) || (place === this.items.length && hasMore)) return false;
    const item = this.#itemOf(photo);
    this.items = [...this.items.slice(0, place), item, ...this.items.slice(place)];
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
