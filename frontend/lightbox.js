/** One photo at a time over the whole screen: the only user of PhotoSwipe. */

import { enterPhoto, isOverGallery, turnToPhoto } from "./address.js";
import { captionElement } from "./lightbox-caption.js";
import { loadSlideAgain } from "./loading-again.js";

const LARGE_PX = 2048;
const ITEMS_AROUND = 5; // of the one that is shown, which are made ready

/**
 * @param {HTMLElement} el where events go: `photo-shown` {id} as the visitor turns pages,
 *   `photos-wanted` {ids} of those whose photo should be known soon, `end-near` when more items
 *   should be loaded, `lightbox-closed` {id}, and what the caption asks for
 * @param {object} parts
 * @param {Function} parts.PhotoSwipe
 * @param {(id: string) => HTMLElement|undefined} parts.findTile
 * @param {import("./viewer.js").Viewer} parts.viewer
 */
export function mountLightbox(el, parts) {
  return new Lightbox(el, parts);
}

class Lightbox {
  #el;
  #parts;
  #items = [];
  #here = new Set(); // ids of those that are among the selected now
  #removed = new Set();
  #pswp = null;

  constructor(el, parts) {
    this.#el = el;
    this.#parts = parts;
  }

  get isOpen() {
    return this.#pswp !== null;
  }

  open(id, items) {
    const index = items.findIndex((item) => item.id === id);
    if (this.isOpen || index < 0) return;
    this.#items = [...items];
    this.#here = new Set(items.map((item) => item.id));
    this.#removed = new Set();
    const { PhotoSwipe, viewer } = this.#parts;
    const pswp = new PhotoSwipe(options(index));
    this.#pswp = pswp;
    this.#showItems(pswp);
    const dispatch = (name, detail) => this.#dispatch(name, detail);
    const shown = () => this.#items[pswp.currIndex]; // a slide may know an item of a former wall
    const isRemoved = () => this.#removed.has(shown().id);
    const caption = captionElement({ shown, isRemoved, viewer, dispatch });
    pswp.on("uiRegister", () => pswp.ui.registerElement(caption));
    pswp.on("change", () => this.#turn());
    pswp.on("destroy", () => {
      this.#pswp = null;
      this.#dispatch("lightbox-closed", { id: shown().id });
    });
    pswp.init();
    pswp.element.ariaModal = "true";
    pswp.element.ariaLabel = "Photos";
    pswp.element.focus({ preventScroll: true });
    hearKeysFromTheFirst(pswp, () => {
      const { photo } = shown();
      if (photo) dispatch("removal-asked", { photo });
    });
    closeWithBack(pswp);
    loadSlideAgain(pswp);
  }

  /** Whether there was anything to close; `lightbox-closed` follows then. */
  close() {
    if (this.isOpen) close(this.#pswp);
    return this.isOpen;
  }

  /** Turns from a photo that is no longer among these to the next that is; without one it closes. */
  leave(id) {
    const pswp = this.#pswp;
    if (!pswp || pswp.isDestroying || this.#items[pswp.currIndex].id !== id) return;
    const isHere = (item) => this.#here.has(item.id);
    const next = this.#items.findIndex((item, index) => index > pswp.currIndex && isHere(item));
    const target = next < 0 ? this.#items.findLastIndex(isHere) : next;
    if (target < 0) this.close();
    else onceOpen(pswp, () => pswp.goTo(target));
  }

  /** Takes in older items at the end, and what is gone or back. The wall may have changed elsewhere: the
   * slides stay where they are. */
  follow(items, { arrived, removed }) {
    if (!this.isOpen) return;
    this.#removed = this.#removed.union(removed).difference(arrived);
    this.renew(removed.union(arrived));
    const places = new Map(items.map(({ id }, index) => [id, index]));
    this.#here = places;
    this.#items = this.#items.map((item) => items[places.get(item.id)] ?? item);
    this.#askAround();
    const last = places.get(this.#items.findLast(({ id }) => places.has(id))?.id);
    if (last === undefined || last === items.length - 1) return;
    const known = new Set(this.#items.map(({ id }) => id));
    const index = this.#items.length;
    this.#items.push(...items.slice(last + 1).filter(({ id }) => !known.has(id)));
    this.#pswp.refreshSlideContent(index);
  }

  /** Shows anew those of these photos that are near; a picture that is there stays as it is. */
  renew(ids) {
    if (!this.isOpen) return;
    const changed = new Set(ids);
    const pswp = this.#pswp;
    const { currIndex } = pswp;
    for (let index = currIndex - 2; index <= currIndex + 2; index += 1) {
      const id = this.#items[index]?.id;
      if (!changed.has(id)) continue;
      const isPicture = pswp.contentLoader.getContentByIndex(index)?.data.src;
      if (!isPicture || this.#removed.has(id)) pswp.refreshSlideContent(index);
    }
    pswp.dispatch("photosRenewed");
  }

  #showItems(pswp) {
    const { findTile } = this.#parts;
    pswp.addFilter("numItems", () => this.#items.length);
    pswp.addFilter("itemData", (_, index) => slideOf(this.#items[index], this.#removed));
    pswp.addFilter("thumbEl", (_, slide) => findTile(slide.item.id)?.querySelector("img"));
    pswp.on("contentLoad", showWords);
  }

  #turn() {
    const { currIndex } = this.#pswp;
    this.#dispatch("photo-shown", { id: this.#items[currIndex].id });
    this.#askAround();
    if (currIndex >= this.#items.length - ITEMS_AROUND) this.#dispatch("end-near");
  }

  #askAround() {
    const { currIndex } = this.#pswp;
    const first = Math.max(0, currIndex - ITEMS_AROUND);
    const near = this.#items.slice(first, currIndex + ITEMS_AROUND + 1);
    const unknown = near.filter(({ id, photo }) => photo === null && !this.#removed.has(id));
    if (unknown.length > 0) this.#dispatch("photos-wanted", { ids: unknown.map(({ id }) => id) });
  }

  #dispatch(name, detail) {
    this.#el.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** A slide that is not a picture. */
function showWords(event) {
  const { isRemoved, src } = event.content.data;
  if (src) return;
  event.preventDefault();
  const element = document.createElement("p");
  element.className = "lightbox-words-only";
  element.textContent = isRemoved ? "This photo was removed." : "";
  event.content.element = element;
}

/** Now, or while it opens, as soon as it can: PhotoSwipe itself would not. */
function onceOpen(pswp, act) {
  if (pswp.opener.isOpen) act();
  else pswp.on("openingAnimationEnd", act);
}

function close(pswp) {
  onceOpen(pswp, () => pswp.close());
}

/** PhotoSwipe hears no key while it opens. */
function hearKeysFromTheFirst(pswp, remove) {
  const turns = { ArrowLeft: () => pswp.prev(), ArrowRight: () => pswp.next() };
  pswp.element.addEventListener("keydown", ({ key, repeat }) => {
    if (key === "Escape") close(pswp);
    else if (key === "Delete" && !repeat) remove();
    else if (!pswp.opener.isOpen && turns[key]) pswp.on("openingAnimationEnd", turns[key]);
  });
}

/** Whoever goes back, as people do on a phone, goes back to the wall. Meanwhile the address is that
 * of the photo. */
function closeWithBack(pswp) {
  const goBack = () => close(pswp);
  const shownId = () => pswp.currSlide.data.item.id;
  history.scrollRestoration = "manual"; // the photo last seen is scrolled to instead
  enterPhoto(shownId());
  pswp.on("change", () => turnToPhoto(shownId()));
  window.addEventListener("popstate", goBack, { once: true });
  pswp.on("destroy", () => {
    window.removeEventListener("popstate", goBack);
    if (isOverGallery()) history.back();
  });
}

function options(index) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    index,
    dataSource: [],
    mainClass: "lightbox",
    bgOpacity: 1,
    loop: false,
    counter: false, // it would count the photos that are loaded, not those on the wall
    initialPointerPos: { x: 0, y: 0 }, // else it takes the focus once more, when it is open
    returnFocus: false, // the tile of the photo last seen is focused instead
    paddingFn: (viewport) => ({ top: 56, bottom: viewport.x < 600 ? 120 : 88, left: 0, right: 0 }),
    errorMsg: "This photo cannot be shown just now.",
    closeTitle: "Close",
    zoomTitle: "Zoom",
    arrowPrevTitle: "Previous photo",
    arrowNextTitle: "Next photo",
    ...(isStill && { showHideAnimationType: "none", zoomAnimationDuration: 0 }),
  };
}

function slideOf(item, removed) {
  const { photo } = item;
  const isRemoved = removed.has(item.id);
  const width = photo?.width ?? Math.round(LARGE_PX * item.ratio);
  const height = photo?.height ?? LARGE_PX;
  const scale = photo?.animated ? 1 : Math.min(1, LARGE_PX / width);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  if (!photo || isRemoved) return { item, isRemoved, ...size };
  return {
    item,
    src: photo.animated ? photo.url : photo.thumbnails[LARGE_PX],
    msrc: photo.thumbnails[320],
    alt: photo.name,
    thumbCropped: true,
    ...size,
  };
}
