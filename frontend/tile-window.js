/** The tiles that there are just now, in the order of the wall. */

import { createPhotoTile, fillPhotoTile, placePhotoTile } from "./photo-tile.js";

const NEW_TILES_PER_FRAME = 12; // beyond those in view, so that fast scrolling stays smooth

/**
 * @typedef {object} Place where a tile goes
 * @property {import("./places.js").Item} item
 * @property {{left: number, top: number, width: number, height: number}} box px within the wall
 * @property {number} index among all items
 * @property {boolean} isInView
 */

export class TileWindow {
  /** Whether a tile that was taken away had the focus. */
  lostFocus = false;
  #el;
  #tiles = new Map(); // photo id → element
  #boxes = new WeakMap(); // tile → the box it was placed at
  #active = null;

  constructor(el) {
    this.#el = el;
  }

  get(id) {
    return this.#tiles.get(id);
  }

  /**
   * Makes these the tiles that there are; those that were there stay as they are.
   * @param {Place[]} places in order
   * @param {{active: string, size: number}} grid the tile that Tab stops at, the number of items
   * @returns {boolean} whether more is to be done in the next frame
   */
  show(places, { active, size }) {
    this.#drop(new Set(places.map(({ item }) => item.id)));
    let following = this.#el.firstElementChild;
    let newTiles = 0;
    for (const place of places) {
      if (!this.#tiles.has(place.item.id) && !place.isInView) {
        newTiles += 1;
        if (newTiles > NEW_TILES_PER_FRAME) continue;
      }
      const tile = this.#tileAt(place, size);
      if (tile === following) following = tile.nextElementSibling;
      else this.#el.insertBefore(tile, following);
    }
    this.#stopAt(active);
    return newTiles > NEW_TILES_PER_FRAME;
  }

  /** Shows what is known of an item by now. */
  fill(item) {
    const tile = this.#tiles.get(item.id);
    if (!tile) return;
    fillPhotoTile(tile, item.photo);
    placePhotoTile(tile, this.#boxes.get(tile));
  }

  #tileAt({ item, box, index }, size) {
    const tile = this.#tiles.get(item.id) ?? createPhotoTile(item);
    this.#tiles.set(item.id, tile);
    if (this.#boxes.get(tile) === box) return tile;
    this.#boxes.set(tile, box);
    placePhotoTile(tile, box);
    tile.ariaSetSize = size;
    tile.ariaPosInSet = index + 1;
    return tile;
  }

  #stopAt(id) {
    if (this.#active === id && this.#tiles.get(id)?.querySelector("a").tabIndex === 0) return;
    const former = this.#tiles.get(this.#active);
    if (former) former.querySelector("a").tabIndex = -1;
    const tile = this.#tiles.get(id);
    if (tile) tile.querySelector("a").tabIndex = 0;
    this.#active = id;
  }

  #drop(kept) {
    this.lostFocus = false;
    for (const [id, tile] of this.#tiles) {
      if (kept.has(id)) continue;
      this.lostFocus ||= tile.contains(document.activeElement);
      this.#tiles.delete(id);
      tile.remove();
    }
  }
}
