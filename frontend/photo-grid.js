/** The wall of photos. However many there are, only those near the visitor's eyes have tiles. */

import { justify, tileRatio } from "./justify.js";
import { createPhotoTile, placePhotoTile } from "./photo-tile.js";
import { firstBelow, neighbour } from "./tile-finder.js";

const SCREENS_ABOVE = 1;
const SCREENS_BELOW = 2;
const NEW_TILES_PER_FRAME = 12; // beyond those in view, so that fast scrolling stays smooth
const SETTLE_MS = 400; // as in photo-grid.css, with a margin
const HEADER_PX = 80; // the sticky header covers this much, tray and gaps aside

/**
 * @param {HTMLElement} el the list. Dispatches `photo-chosen` {photo}, cancelable: unless it is
 *   cancelled, the browser opens the original.
 */
export function mountPhotoGrid(el) {
  return new PhotoGrid(el);
}

class PhotoGrid {
  #el;
  #photos = [];
  #indexes = new Map(); // photo id → index
  #tiles = new Map(); // photo id → element, of those near the view
  #boxes = [];
  #anchorId = null; // the photo that rows are laid out from, downwards and upwards
  #activeId = null; // the one tile that Tab stops at
  #settleTimer;
  #placed = new WeakMap(); // tile → the box it was placed at
  #renderSoon = oncePerFrame(() => this.#render());

  constructor(el) {
    this.#el = el;
    el.addEventListener("keydown", (event) => this.#followKey(event));
    el.addEventListener("focusin", (event) => this.#activate(idAt(event)));
    el.addEventListener("click", (event) => this.#choose(event));
    new ResizeObserver(() => this.#layOut(this.#photoHeld())).observe(el);
    document.addEventListener("scroll", this.#renderSoon, { passive: true });
  }

  /**
   * Shows these photos. Tiles of photos that were there stay, with their focus and their images.
   * @param {object[]} photos newest first
   * @param {Set<string>} arrived ids of those that are new on the wall
   */
  show(photos, arrived = new Set()) {
    const held = this.#photoHeld();
    const formerIndex = this.#indexes.get(this.#anchorId) ?? 0;
    this.#photos = photos;
    this.#indexes = new Map(photos.map((photo, index) => [photo.id, index]));
    if (!this.#indexes.has(this.#anchorId)) this.#anchorId = photos[formerIndex]?.id;
    if (!this.#indexes.has(this.#activeId)) this.#activeId = null;
    if (arrived.size > 0 && !held) this.#settle();
    this.#layOut(held);
    for (const id of arrived) this.#tiles.get(id)?.setAttribute("data-arrived", "");
  }

  /** The tile of a photo, brought into view and made the grid's tab stop. */
  reveal(id) {
    if (!this.#indexes.has(id)) return undefined;
    this.#scrollTo(this.#boxes[this.#indexes.get(id)]);
    this.#activate(id);
    return this.#tiles.get(id);
  }

  focusPhoto(id) {
    this.reveal(id)?.querySelector("a").focus({ preventScroll: true });
  }

  #layOut(held) {
    const width = this.#el.clientWidth;
    const wall = justify(this.#photos.map(tileRatio), {
      width,
      gap: width < 600 ? 4 : 6,
      rowHeight: Math.min(260, Math.max(140, 105 + width * 0.095)),
      anchor: this.#indexes.get(this.#anchorId) ?? 0,
    });
    this.#boxes = wall.boxes;
    this.#el.style.height = `${wall.height}px`;
    const shift = held ? (this.#boxes[this.#indexes.get(held.id)]?.top ?? held.top) - held.top : 0;
    if (shift) window.scrollBy({ top: shift, behavior: "instant" });
    this.#render();
  }

  /** Once somebody has scrolled down, the first photo in view must not move when others come. */
  #photoHeld() {
    const index = firstBelow(this.#boxes, this.#viewTop());
    if (window.scrollY === 0 || index === 0 || index === this.#boxes.length) return null;
    return { id: this.#photos[index].id, top: this.#boxes[index].top };
  }

  #viewTop() {
    return HEADER_PX - this.#el.getBoundingClientRect().top;
  }

  #render() {
    const top = this.#viewTop();
    const screen = window.innerHeight;
    const from = firstBelow(this.#boxes, top - screen * SCREENS_ABOVE);
    const to = firstBelow(this.#boxes, top + screen * (1 + SCREENS_BELOW));
    if (!this.#el.contains(document.activeElement)) this.#activeId = this.#firstInView()?.id;
    const ids = this.#photos.slice(from, to + 1).map((photo) => photo.id);
    const inView = (box) => box.top + box.height > top - HEADER_PX && box.top < top + screen;
    this.#placeTiles(this.#withActive(ids, from), inView);
  }

  #firstInView() {
    const index = firstBelow(this.#boxes, this.#viewTop());
    return this.#photos[Math.min(index, this.#photos.length - 1)];
  }

  #withActive(ids, from) {
    const index = this.#indexes.get(this.#activeId);
    if (index === undefined || ids.includes(this.#activeId)) return ids;
    return index < from ? [this.#activeId, ...ids] : [...ids, this.#activeId];
  }

  #placeTiles(ids, inView) {
    const kept = new Set(ids);
    for (const [id, tile] of this.#tiles) if (!kept.has(id)) this.#dropTile(id, tile);
    let following = this.#el.firstElementChild;
    let newTiles = 0;
    for (const id of ids) {
      const isNew = !this.#tiles.has(id);
      if (isNew && id !== this.#activeId && !inView(this.#boxes[this.#indexes.get(id)])) {
        newTiles += 1;
        if (newTiles > NEW_TILES_PER_FRAME) continue;
      }
      const tile = this.#tileFor(id);
      if (tile === following) following = tile.nextElementSibling;
      else this.#el.insertBefore(tile, following);
    }
    if (newTiles > NEW_TILES_PER_FRAME) this.#renderSoon();
  }

  #tileFor(id) {
    const index = this.#indexes.get(id);
    const tile = this.#tiles.get(id) ?? createPhotoTile(this.#photos[index]);
    this.#tiles.set(id, tile);
    tile.querySelector("a").tabIndex = id === this.#activeId ? 0 : -1;
    if (this.#placed.get(tile) === this.#boxes[index]) return tile;
    this.#placed.set(tile, this.#boxes[index]);
    placePhotoTile(tile, this.#boxes[index]);
    tile.ariaSetSize = this.#photos.length;
    tile.ariaPosInSet = index + 1;
    return tile;
  }

  #dropTile(id, tile) {
    const hadFocus = tile.contains(document.activeElement);
    this.#tiles.delete(id);
    tile.remove();
    // Its photo was taken down: whoever was there is led to what came into its place.
    if (hadFocus) queueMicrotask(() => this.focusPhoto(this.#firstInView()?.id));
  }

  /** Lets tiles glide to their new places, where photos arrive before somebody's eyes. */
  #settle() {
    this.#el.dataset.settling = "";
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => delete this.#el.dataset.settling, SETTLE_MS);
  }

  #activate(id) {
    if (id === this.#activeId && this.#tiles.has(id)) return;
    this.#activeId = id;
    this.#render();
  }

  #scrollTo(box) {
    const top = this.#el.getBoundingClientRect().top + box.top;
    const above = top - HEADER_PX;
    const below = top + box.height + 8 - window.innerHeight;
    const distance = above < 0 ? above : Math.max(0, below);
    if (distance) window.scrollBy({ top: distance, behavior: "instant" });
  }

  #followKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = neighbour(this.#boxes, this.#indexes.get(this.#activeId), event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.focusPhoto(this.#photos[target].id);
  }

  #choose(event) {
    const id = idAt(event);
    if (!id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const detail = { photo: this.#photos[this.#indexes.get(id)] };
    const chosen = new CustomEvent("photo-chosen", { detail, cancelable: true });
    if (!this.#el.dispatchEvent(chosen)) event.preventDefault();
  }
}

function idAt(event) {
  return event.target.closest(".photo-tile")?.dataset.id;
}

function oncePerFrame(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      work();
    });
  };
}
