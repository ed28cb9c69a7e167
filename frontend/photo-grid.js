/** The wall of photos. However many there are, only those near the visitor's eyes have tiles. */

import { justify, tileRatio } from "./justify.js";
import { createLookAhead } from "./look-ahead.js";
import { firstBelow, neighbour } from "./tile-finder.js";
import { TileWindow } from "./tile-window.js";

const SCREENS_ABOVE = 1;
const SCREENS_BELOW = 2;
const SETTLE_MS = 400; // as in photo-grid.css, with a margin
const GAP_PX = 20; // between the header and what is scrolled to

/**
 * @param {HTMLElement} el the list. Dispatches `photo-chosen` {photo}, cancelable: unless it is
 *   cancelled, the browser opens the original; `removal-asked` {photo}; `photos-wanted` {ids} of
 *   items near the view whose photo is not known.
 * @param {HTMLElement} header stays over it
 */
export function mountPhotoGrid(el, header) {
  return new PhotoGrid(el, header);
}

class PhotoGrid {
  #el;
  #header;
  #items = [];
  #indexes = new Map(); // photo id → index
  #tiles;
  #boxes = [];
  #anchorId = null; // the photo that rows are laid out from, downwards and upwards
  #activeId = null; // the one tile that Tab stops at
  #settleTimer;
  #lookAhead = createLookAhead();
  #renderSoon = oncePerFrame(() => this.#render());

  constructor(el, header) {
    this.#el = el;
    this.#header = header;
    this.#tiles = new TileWindow(el);
    el.addEventListener("keydown", (event) => this.#followKey(event));
    el.addEventListener("focusin", (event) => this.#activate(idAt(event)));
    el.addEventListener("click", (event) => this.#choose(event));
    new ResizeObserver(() => this.#layOut(this.#itemHeld())).observe(el);
    document.addEventListener("scroll", this.#renderSoon, { passive: true });
  }

  /**
   * Shows these items. Tiles of photos that were there stay, with their focus and their images.
   * @param {import("./places.js").Item[]} items in order
   * @param {Set<string>} arrived ids of those that are new on the wall
   */
  show(items, arrived = new Set()) {
    const held = this.#itemHeld();
    const formerIndex = this.#indexes.get(this.#anchorId) ?? 0;
    this.#items = items;
    this.#indexes = new Map(items.map(({ id }, index) => [id, index]));
    if (this.#indexes.has(held?.id))
      this.#anchorId = held.id; // whatever comes or goes above it
    else if (!this.#indexes.has(this.#anchorId)) this.#anchorId = items[formerIndex]?.id;
    if (!this.#indexes.has(this.#activeId)) this.#activeId = null;
    if (arrived.size > 0 && !held) this.#settle();
    this.#layOut(held);
    for (const id of arrived) this.#tiles.get(id)?.setAttribute("data-arrived", "");
  }

  /** The photos of these items have become known, or have changed. */
  update(ids) {
    for (const id of ids) {
      const index = this.#indexes.get(id);
      if (index !== undefined) this.#tiles.fill(this.#items[index]);
    }
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

  /** Whether one would have to scroll up to see it. */
  isAboveView(id) {
    const box = this.#boxes[this.#indexes.get(id)];
    return box !== undefined && box.top + box.height < this.#viewTop();
  }

  /** The first item that can be seen. */
  get firstInView() {
    const index = firstBelow(this.#boxes, this.#viewTop());
    return this.#items[Math.min(index, this.#items.length - 1)];
  }

  #layOut(held) {
    const width = this.#el.clientWidth;
    const wall = justify(this.#items.map(tileRatio), {
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
  #itemHeld() {
    const index = firstBelow(this.#boxes, this.#viewTop());
    if (window.scrollY === 0 || index === 0 || index === this.#boxes.length) return null;
    return { id: this.#items[index].id, top: this.#boxes[index].top };
  }

  get #coveredPx() {
    return this.#header.offsetHeight + GAP_PX;
  }

  #viewTop() {
    return this.#coveredPx - this.#el.getBoundingClientRect().top;
  }

  #render() {
    if (this.#el.clientWidth === 0) return; // something else covers the page
    const top = this.#viewTop();
    const screen = window.innerHeight;
    const from = firstBelow(this.#boxes, top - screen * SCREENS_ABOVE);
    const to = firstBelow(this.#boxes, top + screen * (1 + SCREENS_BELOW));
    if (!this.#el.contains(document.activeElement)) this.#activeId = this.firstInView?.id;
    const places = [];
    for (let index = from; index <= Math.min(to, this.#items.length - 1); index += 1) {
      places.push(this.#placeAt(index, top - this.#coveredPx, top + screen));
    }
    this.#addActive(places, from, to);
    const isUnfinished = this.#tiles.show(places, {
      active: this.#activeId,
      size: this.#items.length,
    });
    if (isUnfinished) this.#renderSoon();
    if (this.#tiles.lostFocus) this.focusPhoto(this.#activeId ?? this.firstInView?.id);
    this.#askAhead(top, screen);
  }

  /** Asks for photos where the visitor will be when the answer comes: flung, that is far from here. */
  #askAhead(top, screen) {
    const ahead = this.#lookAhead(top);
    if (ahead) this.#renderSoon(); // until it stands still
    const from = firstBelow(this.#boxes, top + ahead - screen * SCREENS_ABOVE);
    const to = firstBelow(this.#boxes, top + ahead + screen * (1 + SCREENS_BELOW));
    const inView = firstBelow(this.#boxes, top + ahead);
    const unknown = this.#items.slice(inView, to + 1).concat(this.#items.slice(from, inView));
    const ids = unknown.filter(({ photo }) => photo === null).map(({ id }) => id);
    if (ids.length === 0) return;
    this.#el.dispatchEvent(new CustomEvent("photos-wanted", { detail: { ids } }));
  }

  #placeAt(index, top, bottom) {
    const box = this.#boxes[index];
    const isInView = box.top + box.height > top && box.top < bottom;
    return { item: this.#items[index], box, index, isInView };
  }

  #addActive(places, from, to) {
    const index = this.#indexes.get(this.#activeId);
    if (index === undefined || (index >= from && index <= to)) return;
    const place = { item: this.#items[index], box: this.#boxes[index], index, isInView: true };
    if (index < from) places.unshift(place);
    else places.push(place);
  }

  /** Lets tiles glide to their new places, where photos arrive before somebody's eyes. */
  #settle() {
    this.#el.dataset.settling = "";
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => delete this.#el.dataset.settling, SETTLE_MS);
  }

  #activate(id) {
    if (id === this.#activeId && this.#tiles.get(id)) return;
    this.#activeId = id;
    this.#render();
  }

  #scrollTo(box) {
    const top = this.#el.getBoundingClientRect().top + box.top;
    const covered = this.#coveredPx;
    const above = box.top === 0 && top < covered ? -window.scrollY : top - covered;
    const below = top + box.height + 8 - window.innerHeight;
    const distance = above < 0 ? above : Math.max(0, below);
    if (distance) window.scrollBy({ top: distance, behavior: "instant" });
  }

  #followKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Delete" && !event.repeat) this.#tell("removal-asked", this.#activeId);
    const target = neighbour(this.#boxes, this.#indexes.get(this.#activeId), event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.focusPhoto(this.#items[target].id);
  }

  #choose(event) {
    const id = idAt(event);
    if (!id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!this.#tell("photo-chosen", id)) event.preventDefault();
  }

  /** False when somebody has cancelled what would happen now. */
  #tell(name, id) {
    const photo = this.#items[this.#indexes.get(id)]?.photo;
    if (!photo) return false; // it will be known in a moment
    return this.#el.dispatchEvent(new CustomEvent(name, { detail: { photo }, cancelable: true }));
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
