/** The grid of photos. However many there are, only those near the view have tiles. */

import { orUndefined } from "../page/patience.js";
import { firstBelow, justify, neighbour, tileRatio } from "./layout.js";
import { idAt, Tiles } from "./tiles.js";
import { divide } from "./timeline.js";

const SCREENS_ABOVE = 1;
const SCREENS_BELOW = 2;
const SETTLE_MS = 400; // the transition in grid.css, with a margin
const GAP_PX = 20; // between the header and what is scrolled to
const END_IS_NEAR = "1500px";
const FLUNG_PX_PER_MS = 3; // scrolled faster than this, photos pass before they are loaded
const ANSWER_MS = 200; // until the server has told of photos
const SMALL = matchMedia("(max-width: 48rem)"); // where the header has the first heading
const [HEADING, FIRST_HEADING] = [3.25, 2.25]; // rem above the photos of a section

/** Shows the gallery's photos, and loads more of them as the visitor comes near. */
export class PhotoGrid {
  #el;
  #gallery;
  #header;
  #footer;
  #more;
  #time;
  #onOpen;
  #onRemove;
  #items = [];
  #indexes = new Map(); // photo id → index
  #tiles;
  /** @type {import("./timeline.js").Section[]} */
  #sections = [];
  #firsts = new Map(); // id of the first photo of a section → the section
  #headings = new Map(); // the same id → element
  #boxes = [];
  #anchorId = null; // the photo that rows are laid out from, downwards and upwards
  #activeId = null; // the one tile that Tab stops at
  #settleTimer;
  #lastScroll = { top: 0, time: 0 };
  #renderSoon = oncePerFrame(() => this.#render());

  /**
   * @param {HTMLElement} el the list
   * @param {object} parts
   * @param {import("./gallery.js").Gallery} parts.gallery
   * @param {import("./chosen.js").Chosen} parts.chosen
   * @param {HTMLElement} parts.header stays over it
   * @param {HTMLElement} parts.footer does, too, while it is not hidden
   * @param {HTMLButtonElement} parts.more at the end of the list
   * @param {HTMLElement} parts.time says in which section the visitor is
   * @param {(photo: import("../page/api.js").Photo) => void} parts.onOpen a tile was clicked
   * @param {(photo: import("../page/api.js").Photo) => void} parts.onRemove by the Delete key
   */
  constructor(el, { gallery, chosen, header, footer, more, time, onOpen, onRemove }) {
    this.#el = el;
    this.#gallery = gallery;
    this.#header = header;
    this.#footer = footer;
    this.#more = more;
    this.#time = time;
    this.#onOpen = onOpen;
    this.#onRemove = onRemove;
    this.#tiles = new Tiles(el, chosen);
    el.addEventListener("keydown", (event) => this.#followKey(event));
    el.addEventListener("focusin", (event) => this.#activate(idAt(event)));
    el.addEventListener("click", (event) => this.#choose(event));
    new ResizeObserver(() => this.#layOut(this.#itemHeld())).observe(el);
    document.addEventListener("scroll", this.#renderSoon, { passive: true });
    this.#followGallery();
  }

  #followGallery() {
    const nearEnd = new IntersectionObserver(
      ([entry]) => entry.isIntersecting && this.#loadRest(),
      { rootMargin: END_IS_NEAR },
    );
    this.#more.addEventListener("click", () => this.#loadRest());
    this.#gallery.addEventListener("photos-changed", ({ detail: { arrived } }) => {
      this.#show(arrived);
      this.#el.setAttribute("aria-busy", "false");
      this.#more.hidden = !this.#gallery.hasMore;
      nearEnd.unobserve(this.#more); // observed anew, it says again that the end is near
      nearEnd.observe(this.#more);
    });
    this.#gallery.addEventListener("photos-loaded", ({ detail: { ids } }) => this.#fill(ids));
  }

  async #loadRest() {
    this.#el.setAttribute("aria-busy", "true");
    await orUndefined(this.#gallery.loadRest());
    this.#el.setAttribute("aria-busy", "false");
  }

  /**
   * Shows the gallery's items. Tiles of photos that were there stay, with their focus and images.
   * @param {Set<string>} arrived ids of those that have just come
   */
  #show(arrived) {
    const { items } = this.#gallery;
    const held = this.#itemHeld();
    const formerIndex = this.#indexes.get(this.#anchorId) ?? 0;
    this.#items = items;
    this.#indexes = new Map(items.map(({ id }, index) => [id, index]));
    this.#sections = divide(this.#gallery);
    this.#firsts = new Map(this.#sections.map((section) => [items[section.start].id, section]));
    if (this.#indexes.has(held?.id))
      this.#anchorId = held.id; // whatever comes or goes above it
    else if (!this.#indexes.has(this.#anchorId)) this.#anchorId = items[formerIndex]?.id;
    if (!this.#indexes.has(this.#activeId)) this.#activeId = null;
    if (arrived.size > 0 && !held) this.#settle();
    this.#layOut(held);
    for (const id of arrived) this.#tiles.get(id)?.setAttribute("data-arrived", "");
  }

  /** The photos of these items were loaded, or have changed. */
  #fill(ids) {
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
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const firstRoom = SMALL.matches ? 0 : FIRST_HEADING * rem;
    const layout = justify(this.#items.map(tileRatio), {
      width,
      gap: width < 600 ? 4 : 6,
      rowHeight: Math.min(260, Math.max(140, 105 + width * 0.095)),
      anchor: this.#indexes.get(this.#anchorId) ?? 0,
      sections:
        this.#sections.length > 0
          ? this.#sections.map(({ start }) => ({
              start,
              room: start > 0 ? HEADING * rem : firstRoom,
            }))
          : [{ start: 0, room: 0 }],
    });
    this.#boxes = layout.boxes;
    const { scrollY } = window; // as it is before a shorter grid cuts it off
    this.#el.style.height = `${layout.height}px`;
    const shift = held ? (this.#boxes[this.#indexes.get(held.id)]?.top ?? held.top) - held.top : 0;
    if (shift) window.scrollTo({ top: scrollY + shift, behavior: "instant" });
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
    this.#showHeadings(places, firstBelow(this.#boxes, top));
    if (isUnfinished) this.#renderSoon();
    if (this.#tiles.lostFocus) this.focusPhoto(this.#activeId ?? this.firstInView?.id);
    this.#loadAhead(top, screen);
  }

  /**
   * A heading is part of the first tile below it: it comes, goes and moves with it.
   * @param {import("./tiles.js").Place[]} places
   * @param {number} first index of the first item in view; asking again would lay the page out
   */
  #showHeadings(places, first) {
    for (const [id, heading] of this.#headings) {
      if (this.#firsts.has(id) && heading.isConnected) continue;
      heading.remove();
      this.#headings.delete(id);
    }
    for (const { item, index } of places) {
      const section = this.#firsts.get(item.id);
      const tile = section && this.#tiles.get(item.id);
      if (!tile) continue;
      const heading = this.#headings.get(item.id) ?? document.createElement("h2");
      if (!heading.isConnected) tile.prepend(heading);
      this.#headings.set(item.id, heading);
      const isInHeader = index === 0 && SMALL.matches; // by `time`
      heading.className = isInHeader ? "visually-hidden" : "photo-heading";
      const label = section.label();
      if (heading.textContent !== label) heading.textContent = label;
    }
    const next = this.#sections.findIndex(({ start }) => start > first);
    const short = this.#sections.at(next < 0 ? -1 : next - 1)?.short() ?? "";
    if (this.#time.textContent !== short) this.#time.textContent = short;
  }

  /** Loads photos where the visitor will be when the answer comes: scrolling fast, far from here. */
  #loadAhead(top, screen) {
    const now = performance.now();
    const speed = (top - this.#lastScroll.top) / Math.max(1, now - this.#lastScroll.time);
    this.#lastScroll = { top, time: now };
    const ahead = Math.abs(speed) > FLUNG_PX_PER_MS ? speed * ANSWER_MS : 0;
    if (ahead) this.#renderSoon(); // until it stands still
    const from = firstBelow(this.#boxes, top + ahead - screen * SCREENS_ABOVE);
    const to = firstBelow(this.#boxes, top + ahead + screen * (1 + SCREENS_BELOW));
    const inView = firstBelow(this.#boxes, top + ahead);
    const unknown = this.#items.slice(inView, to + 1).concat(this.#items.slice(from, inView));
    const ids = unknown.filter(({ photo }) => photo === null).map(({ id }) => id);
    if (ids.length > 0) orUndefined(this.#gallery.load(ids));
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
    const above = box.top === this.#boxes[0].top && top < covered ? -window.scrollY : top - covered;
    const below = top + box.height + 8 - this.#bottomPx;
    const distance = above < 0 ? above : Math.max(0, below);
    if (distance) window.scrollBy({ top: distance, behavior: "instant" });
  }

  /** Where the view ends: the window, or what lies over it. */
  get #bottomPx() {
    return this.#footer.hidden ? window.innerHeight : this.#footer.getBoundingClientRect().top;
  }

  #followKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (["Delete", "Backspace"].includes(event.key) && !event.repeat) {
      const photo = this.#photoOf(this.#activeId);
      if (photo) this.#onRemove(photo);
    }
    const target = neighbour(this.#boxes, this.#indexes.get(this.#activeId), event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.focusPhoto(this.#items[target].id);
  }

  #choose(event) {
    const id = idAt(event);
    if (!id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault(); // without this script the link leads to the original
    const photo = this.#photoOf(id);
    if (photo) this.#onOpen(photo); // else it will be loaded in a moment
  }

  #photoOf(id) {
    return this.#items[this.#indexes.get(id)]?.photo;
  }
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
