/** The tiles in the page: only those near the view, in the order of the grid. A tile is a link to the
 * original with the thumbnail in it. */

import { photoName } from "../page/format.js";
import { backoffMs } from "../page/patience.js";
import { badgeOf } from "../page/visitor.js";

const NEW_TILES_PER_FRAME = 12; // beyond those in view, so that fast scrolling stays smooth
const THUMBNAIL_WIDTHS = [320, 640];
const FADE_MS = 300; // the transition in grid.css, with a margin
const FIRST_RETRY_MS = 2_000; // until a thumbnail that failed to load is asked for again
const LONGEST_RETRY_MS = 60_000;
const MOVED_PX = 8; // on the screen; less than that is the same place for a finger
const JUDGED_MS = 700; // for which a tile shows what was decided, and takes no second tap

/**
 * @typedef {object} Place where a tile goes
 * @property {import("./places.js").Item} item
 * @property {import("./layout.js").Box} box
 * @property {number} index among all items
 * @property {boolean} isInView
 */

export class Tiles {
  /** Whether a tile that was taken away had the focus. */
  lostFocus = false;
  #el;
  #tiles = new Map(); // photo id → element
  #boxes = new WeakMap(); // tile → the box it was placed at
  #active = null;
  #chosen;
  #scrollY = 0; // when the tiles were placed last

  /** @param {HTMLElement} el @param {import("./chosen.js").Chosen} chosen */
  constructor(el, chosen) {
    this.#el = el;
    this.#chosen = chosen;
    chosen.addEventListener("chosen-changed", () => {
      el.toggleAttribute("data-choosing", chosen.isOn);
      for (const [id, tile] of this.#tiles) tickTile(tile, chosen.ids.has(id));
    });
  }

  get(id) {
    return this.#tiles.get(id);
  }

  /**
   * Makes these the tiles in the page; those that are there already stay as they are.
   * @param {Place[]} places in order
   * @param {{active: string, size: number}} grid the tile that Tab stops at, the number of items
   * @returns {boolean} whether more is to be done in the next frame
   */
  show(places, { active, size }) {
    this.#drop(new Set(places.map(({ item }) => item.id)));
    const scrolledPx = window.scrollY - this.#scrollY;
    this.#scrollY = window.scrollY;
    let following = this.#el.firstElementChild;
    let newTiles = 0;
    for (const place of places) {
      if (!this.#tiles.has(place.item.id) && !place.isInView) {
        newTiles += 1;
        if (newTiles > NEW_TILES_PER_FRAME) continue;
      }
      const tile = this.#tileAt(place, size, scrolledPx);
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
    fillTile(tile, item.photo);
    placeTile(tile, this.#boxes.get(tile));
  }

  #tileAt({ item, box, index }, size, scrolledPx) {
    const tile = this.#tiles.get(item.id) ?? createTile(item, this.#chosen.ids.has(item.id));
    this.#tiles.set(item.id, tile);
    const former = this.#boxes.get(tile);
    if (former === box) return tile;
    const movedPx = former && Math.hypot(box.left - former.left, box.top - scrolledPx - former.top);
    if (!(movedPx < MOVED_PX)) tile.dataset.moved = performance.now(); // for host/moderation.js
    this.#boxes.set(tile, box);
    placeTile(tile, box);
    tile.setAttribute("aria-setsize", size);
    tile.setAttribute("aria-posinset", index + 1);
    return tile;
  }

  #stopAt(id) {
    if (this.#active === id && this.#tiles.get(id)?.querySelector("a").tabIndex === 0) return;
    for (const [stop, tabIndex] of [
      [this.#active, -1],
      [id, 0],
    ]) {
      const targets = this.#tiles.get(stop)?.querySelectorAll("a, [data-judge]") ?? [];
      for (const target of targets) target.tabIndex = tabIndex;
    }
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

/** A tile, empty as long as the photo is not loaded. */
function createTile(item, isChosen) {
  const template = document.getElementById("photo-tile");
  const tile = template.content.firstElementChild.cloneNode(true);
  tile.dataset.id = item.id;
  const link = tile.querySelector("a");
  link.tabIndex = -1;
  link.draggable = false; // a tile dropped on the page would be uploaded again
  if (item.photo) fillTile(tile, item.photo);
  tickTile(tile, isChosen);
  return tile;
}

function tickTile(tile, isChosen) {
  tile.toggleAttribute("data-chosen", isChosen);
  tile.querySelector("[role=checkbox]").setAttribute("aria-checked", isChosen);
}

/** Fills a tile with its photo. The picture never changes; who can see it and its guest's name may. */
function fillTile(tile, photo) {
  const link = tile.querySelector("a");
  fillBadge(tile.querySelector("[data-mark]"), badgeOf(photo));
  const name = photoName(photo); // guests take other names
  link.querySelector("img").alt = name;
  tile.querySelector("[role=checkbox]").setAttribute("aria-label", `Select ${name}`);
  tile.dataset.standing = photo.standing;
  fillJudgement(tile, photo, `${name[0].toLowerCase()}${name.slice(1)}`);
  if (link.href) return;
  link.href = photo.url;
  link.style.backgroundImage = `url("${photo.placeholder}")`;
  fillImage(link.querySelector("img"), photo);
  const format = photo.url.split(".").pop().toUpperCase();
  fillBadge(tile.querySelector("[data-format]"), photo.animated ? format : "");
}

/** What waits for approval has a tick and a cross, which hosts see (host/moderation.css). */
function fillJudgement(tile, { visibility, standing }, name) {
  let judgement = tile.querySelector(".photo-tile-judgement");
  if (standing !== "pending" || visibility !== "everyone") {
    if (!judgement) return;
    judgement.dataset.judged = standing;
    setTimeout(() => judgement.remove(), JUDGED_MS);
    return;
  }
  if (judgement?.dataset.judged) judgement.remove();
  if (!judgement?.isConnected) {
    const template = document.getElementById("photo-judgement");
    judgement = template.content.firstElementChild.cloneNode(true);
    tile.append(judgement);
  }
  for (const button of judgement.children) {
    button.tabIndex = tile.querySelector("a").tabIndex;
    button.setAttribute("aria-label", `${button.title} ${name}`);
  }
}

function fillBadge(badge, words) {
  badge.hidden = words === "";
  badge.textContent = words;
}

function fillImage(image, photo) {
  const show = () => {
    image.dataset.loaded = "";
    // The placeholder would shine through the transparent parts of a picture.
    setTimeout(() => (image.parentElement.style.backgroundImage = ""), FADE_MS);
  };
  image.addEventListener("load", show, { once: true });
  image.setAttribute("width", photo.width);
  image.setAttribute("height", photo.height);
  image.draggable = false;
  const widths = THUMBNAIL_WIDTHS.map((width) => `${photo.thumbnails[width]} ${width}w`);
  image.srcset = widths.join(", ");
  retryLoading(image);
}

/** Asks again for a thumbnail that failed to load, as long as its tile is in the page. */
function retryLoading(image) {
  let failures = 0;
  image.addEventListener("error", () => {
    const sources = image.srcset;
    setTimeout(
      () => image.isConnected && (image.srcset = sources),
      backoffMs(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS),
    );
    failures += 1;
  });
}

function placeTile(tile, box) {
  tile.style.translate = `${box.left}px ${box.top}px`;
  tile.style.width = `${box.width}px`;
  tile.style.height = `${box.height}px`;
  const image = tile.querySelector("img");
  if (!image.srcset) return;
  const coveringWidth = Math.max(box.width, (box.height * image.width) / image.height);
  const sizes = `${Math.ceil(coveringWidth)}px`;
  if (image.sizes !== sizes) image.sizes = sizes;
}

/** @returns {string|undefined} the id of the photo whose tile the event comes from */
export function idAt({ target }) {
  return target.closest(".photo-tile")?.dataset.id;
}
