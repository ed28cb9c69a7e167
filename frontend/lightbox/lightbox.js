/** Photos of the gallery, one at a time over the whole screen: the only user of PhotoSwipe. */

import { enterAddress, isOverGallery, readPhotoId } from "./address.js";
import { captionElement } from "./caption.js";
import { keepWithin } from "./cover.js";
import {
  showOriginalWhenZoomed,
  showThumbnailInstead,
  showWords,
  slideOf,
  zoomedLevel,
} from "./slides.js";
import { forgetAddress, showOriginal } from "../page/address.js";
import { formatNumber } from "../page/format.js";
import { loadLibrary } from "../page/library.js";
import { askPatiently, backoffMs, orUndefined } from "../page/patience.js";

const ITEMS_AROUND = 5; // of the one that is shown, which are made ready
const [FIRST_RETRY_MS, LONGEST_RETRY_MS] = [2_000, 60_000]; // of a picture that could not be loaded
const TOP_PX = 56; // of the bar with the count and the buttons
const TAP_MS = 2_500; // for PhotoSwipe on a slow phone; then the original is opened instead
const GONE = "This photo was removed or isn't shared with you.";

/**
 * @typedef {import("../page/api.js").Photo} Photo
 *
 * @typedef {object} Parts
 * @property {import("../gallery/gallery.js").Gallery} gallery
 * @property {{reveal(id: string): HTMLElement|undefined, focusPhoto(id: string): void}} grid
 * @property {import("../page/visitor.js").Visitor} visitor
 * @property {{tell(sentence: string): void, turn(): void, moveInto(cover: HTMLElement): void}} notice
 * @property {() => Promise<void>} showAll ends the filter of the gallery
 * @property {(photo: Photo) => void} onRemove
 * @property {(photo: Photo, visibility: "everyone"|"owner") => void} onVisibility
 * @property {(photo: Photo, standing: "shown"|"hidden") => void} onStanding a host's word
 * @property {(guest: {id: string, name: string|null}) => void} onGuest whose photos to show
 */

export class Lightbox {
  #parts;
  #items = []; // the gallery's, and one that has gone as long as it is shown
  #isBehind = false; // whether the gallery's are others by now
  #keptId = null; // of the one that has gone
  #removed = new Set(); // ids
  #pswp = null;
  #whenClosed = [];
  #isWithoutLibrary = false;
  #visits = 0; // of addresses

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { gallery, visitor } = parts;
    gallery.addEventListener("photos-changed", ({ detail }) => this.#follow(detail));
    gallery.addEventListener("photos-loaded", ({ detail }) => this.#renew(detail.ids));
    visitor.addEventListener("visitor-changed", () => this.#pswp?.dispatch("photosRenewed"));
  }

  get isOpen() {
    return this.#pswp !== null;
  }

  /** Opens the photo of the address, if it is one's; says so when it is not there. */
  async openAddress() {
    this.#visits += 1;
    const visit = this.#visits;
    const id = readPhotoId();
    if (!id || this.isOpen) return;
    // Below the photo's address is the gallery's, to go back to; by a link there is none yet.
    if (!isOverGallery()) forgetAddress();
    const isWanted = () => visit === this.#visits;
    const isThere = await this.#find(id, isWanted);
    if (!isWanted()) return;
    const PhotoSwipe = isThere && (await loadLibrary("PhotoSwipe").catch(() => null));
    if (PhotoSwipe) return this.#show(PhotoSwipe, id);
    forgetAddress();
    this.#parts.notice.tell(isThere ? "Couldn't open this photo. Try again." : GONE);
  }

  /** Whether the photo is among the items; it may be far down, or the filter in the way. */
  async #find(id, isWanted) {
    const { gallery, showAll } = this.#parts;
    const isUnknown = () => !gallery.find(id);
    const ask = (request) => orUndefined(askPatiently(request, isWanted));
    if (!(await ask(() => gallery.findPhoto(id)))) return false;
    if (gallery.isFiltered && isUnknown()) await showAll();
    await ask(() => gallery.refresh());
    while (isWanted() && isUnknown()) if (!(await ask(() => gallery.loadRest()))) break;
    return !isUnknown(); // it may have been removed meanwhile
  }

  /** Opens a photo that was tapped. Where PhotoSwipe can't be had, the browser shows the original. */
  async open(photo) {
    if (this.#isWithoutLibrary) showOriginal(photo);
    const tile = this.#parts.grid.reveal(photo.id);
    tile?.setAttribute("aria-busy", "true");
    const PhotoSwipe = await loadLibrary("PhotoSwipe", TAP_MS).catch(() => null);
    tile?.removeAttribute("aria-busy");
    const wasWithout = this.#isWithoutLibrary;
    this.#isWithoutLibrary = !PhotoSwipe;
    if (wasWithout) return;
    if (PhotoSwipe) this.#show(PhotoSwipe, photo.id);
    else showOriginal(photo);
  }

  #show(PhotoSwipe, id) {
    const { items } = this.#parts.gallery;
    const index = items.findIndex((item) => item.id === id);
    if (this.isOpen || index < 0) return;
    this.#items = items;
    this.#isBehind = false;
    this.#keptId = null;
    this.#removed = new Set();
    const pswp = new PhotoSwipe({ ...options(index), paddingFn: () => aroundPhoto(pswp) });
    this.#pswp = pswp;
    this.#showItems(pswp);
    const shown = () => this.#items[pswp.currIndex]; // a slide may know an item of former ones
    const isRemoved = () => this.#removed.has(shown().id);
    const place = () => this.#place();
    const caption = captionElement({ ...this.#parts, shown, isRemoved, place });
    pswp.on("uiRegister", () => pswp.ui.registerElement(caption));
    pswp.on("change", () => this.#turn());
    pswp.currIndex = index; // what is said of it is there as soon as the dialog is
    pswp.init();
    pswp.element.setAttribute("aria-modal", "true");
    pswp.element.setAttribute("aria-label", "Enlarged photo");
    pswp.element.setAttribute("aria-describedby", "lightbox-said");
    this.#parts.notice.moveInto(pswp.element);
    this.#hearKeys(pswp, shown, keepWithin(pswp.element));
    pswp.element.focus({ preventScroll: true });
    const address = enterAddress(id, () => this.close());
    let seenId = id;
    pswp.on("change", () => {
      address.turn(shown().id);
      if (shown().id !== seenId) this.#parts.notice.turn();
      seenId = shown().id;
    });
    pswp.on("destroy", () => {
      this.#pswp = null;
      this.#parts.notice.moveInto(document.body);
      this.#parts.grid.focusPhoto(shown().id);
      address.leave();
      for (const resolve of this.#whenClosed.splice(0)) resolve();
    });
    loadSlideAgain(pswp);
  }

  /** `12 of 161`; empty for a photo that has gone. */
  #place() {
    const { gallery } = this.#parts;
    const { id } = this.#items[this.#pswp.currIndex];
    if (!gallery.find(id)) return "";
    const total = gallery.isFiltered ? gallery.items.length : gallery.total;
    return `${formatNumber(this.#pswp.currIndex + 1)} of ${formatNumber(total)}`;
  }

  /** PhotoSwipe hears no key while it opens, and knows neither an end nor what can be done. */
  #hearKeys(pswp, shown, { turnTab, uncover }) {
    const remove = () => shown().photo && this.#parts.onRemove(shown().photo);
    const turns = { ArrowLeft: () => pswp.prev(), ArrowRight: () => pswp.next() };
    const follow = (event) => {
      const { key, repeat } = event;
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (key === "Tab") turnTab(event);
      else if (key === "Home") onceOpen(pswp, () => pswp.goTo(0));
      else if (key === "End") this.#turnToLast();
      else if (["Delete", "Backspace"].includes(key) && !repeat) remove();
      else if (!pswp.opener.isOpen && key === "Escape") this.close();
      else if (!pswp.opener.isOpen && turns[key]) pswp.on("openingAnimationEnd", turns[key]);
    };
    document.addEventListener("keydown", follow);
    // Its own way with the Tab key leads out once.
    pswp.on("keydown", (event) => event.originalEvent.key === "Tab" && event.preventDefault());
    pswp.on("destroy", () => {
      document.removeEventListener("keydown", follow);
      uncover();
    });
  }

  async #turnToLast() {
    const pswp = this.#pswp;
    const { gallery } = this.#parts;
    while (gallery.hasMore) if (!(await orUndefined(gallery.loadRest()))) break;
    if (pswp === this.#pswp) onceOpen(pswp, () => pswp.goTo(this.#items.length - 1));
  }

  /** Turns to a photo of the gallery, if it is open. */
  turnTo(id) {
    const index = this.#items.findIndex((item) => item.id === id);
    if (this.isOpen && index >= 0) onceOpen(this.#pswp, () => this.#pswp.goTo(index));
    return this.isOpen;
  }

  /** Takes the focus, if it is open. */
  focus() {
    this.#pswp?.element.focus({ preventScroll: true });
    return this.isOpen;
  }

  /** @returns {Promise<void>} when it is closed */
  close() {
    const pswp = this.#pswp;
    if (!pswp) return Promise.resolve();
    onceOpen(pswp, () => pswp.close());
    return new Promise((resolve) => this.#whenClosed.push(resolve));
  }

  /**
   * Turns from a photo that is no longer among these to the next; without any it closes.
   * @returns {Promise<void>} when it has
   */
  async leave(id) {
    const pswp = this.#pswp;
    if (!pswp || pswp.isDestroying || this.#items[pswp.currIndex].id !== id) return;
    const { currIndex, potentialIndex } = pswp;
    if (this.#items.length === 1) await this.close();
    else if (potentialIndex === currIndex) {
      const next = currIndex + 1 < this.#items.length ? currIndex + 1 : currIndex - 1;
      onceOpen(pswp, () => pswp.goTo(next));
    }
  }

  #follow({ arrived, removed }) {
    if (!this.isOpen) return;
    for (const id of removed) this.#removed.add(id);
    for (const id of arrived) this.#removed.delete(id);
    this.#isBehind = true;
    this.#catchUp();
    this.#renew([...removed, ...arrived]);
  }

  /**
   * Takes in what came and went since, as soon as no slide moves: what has arrived is reached by going
   * on. The slide that is looked at stays, and so does each that is still beside it.
   */
  #catchUp() {
    const pswp = this.#pswp;
    const { currIndex } = pswp;
    const shown = this.#items[currIndex];
    if (!this.#isBehind && (this.#keptId ?? shown.id) === shown.id) return;
    const isMoving = pswp.mainScroll.isShifted() || currIndex !== pswp.potentialIndex;
    if (isMoving || !pswp.opener.isOpen) return;
    const { gallery } = this.#parts;
    const isHere = ({ id }) => Boolean(gallery.find(id));
    this.#isBehind = false;
    this.#keptId = isHere(shown) ? null : shown.id;
    let { items } = gallery;
    if (this.#keptId) {
      const before = this.#items.slice(0, currIndex).findLast(isHere);
      const place = items.indexOf(gallery.find(before?.id)) + 1;
      items = [...items.slice(0, place), shown, ...items.slice(place)];
    }
    this.#items = items;
    const index = items.findIndex(({ id }) => id === shown.id);
    pswp.currIndex = pswp.potentialIndex = index;
    pswp.contentLoader = new pswp.contentLoader.constructor(pswp); // it knows slides by their index
    pswp.mainScroll.itemHolders.forEach((holder, number) => {
      const { slide } = holder;
      const present = index - 1 + number;
      if (!slide || slide.data.item.id !== items[present]?.id) {
        return pswp.setContent(holder, present, true);
      }
      slide.index = slide.content.index = present;
      return pswp.contentLoader.addToCache(slide.content);
    });
    pswp.dispatch("change");
  }

  /** Shows anew those of these photos that are near; a picture that is there stays as it is. */
  #renew(ids) {
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
    const { grid } = this.#parts;
    const slideAt = (index) =>
      slideOf(this.#items[index], this.#removed.has(this.#items[index].id));
    pswp.addFilter("numItems", () => this.#items.length);
    pswp.addFilter("itemData", (_, index) => slideAt(index));
    pswp.addFilter("thumbEl", (_, slide) => grid.reveal(slide.item.id)?.querySelector("img"));
    pswp.addFilter("placeholderSrc", (_, { data }) => data.msrc);
    pswp.addFilter("srcsetSizesWidth", showOriginalWhenZoomed);
    pswp.addFilter("contentErrorElement", showThumbnailInstead);
    pswp.on("contentLoad", showWords);
    for (const event of ["openingAnimationEnd", "moveMainScroll", "change"]) {
      pswp.on(event, () => this.#catchUp());
    }
  }

  #turn() {
    const { currIndex } = this.#pswp;
    this.#parts.grid.reveal(this.#items[currIndex].id);
    this.#askAround();
    if (currIndex >= this.#items.length - ITEMS_AROUND) orUndefined(this.#parts.gallery.loadRest());
  }

  #askAround() {
    const { currIndex } = this.#pswp;
    const first = Math.max(0, currIndex - ITEMS_AROUND);
    const near = this.#items.slice(first, currIndex + ITEMS_AROUND + 1);
    const unknown = near.filter(({ id, photo }) => photo === null && !this.#removed.has(id));
    if (unknown.length > 0) orUndefined(this.#parts.gallery.load(unknown.map(({ id }) => id)));
  }
}

/** Now, or while it opens, as soon as it can: PhotoSwipe itself would not. */
function onceOpen(pswp, act) {
  if (pswp.opener.isOpen) act();
  else pswp.on("openingAnimationEnd", act);
}

/** While it is looked at. To a picture that is turned to, PhotoSwipe loads it by itself. */
function loadSlideAgain(pswp) {
  function tryAgain(slide, failures = 0) {
    const isLookedAt = () => slide === pswp.currSlide && !pswp.isDestroying;
    const pauseMs = backoffMs(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS);
    setTimeout(() => {
      if (!isLookedAt()) return;
      const picture = new Image(); // beforehand, so that what is shown meanwhile does not blink
      picture.addEventListener("load", () => isLookedAt() && pswp.refreshSlideContent(slide.index));
      picture.addEventListener("error", () => tryAgain(slide, failures + 1));
      picture.src = slide.data.src;
    }, pauseMs);
  }
  pswp.on("loadError", ({ slide }) => slide === pswp.currSlide && tryAgain(slide));
}

/** The caption never covers a photo that is not zoomed. */
function aroundPhoto(pswp) {
  const caption = pswp.element.querySelector(".lightbox-caption");
  return { top: TOP_PX, bottom: caption.offsetHeight, left: 0, right: 0 };
}

function options(index) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    index,
    dataSource: [],
    mainClass: "lightbox",
    bgOpacity: 1,
    loop: false,
    counter: false, // it would count the photos that are loaded
    initialPointerPos: { x: 0, y: 0 }, // else it takes the focus once more, when it is open
    returnFocus: false, // the tile of the photo last seen is focused instead
    secondaryZoomLevel: zoomedLevel,
    errorMsg: "Can't load the full photo. Check your connection.",
    closeTitle: "Close",
    zoomTitle: "Zoom",
    arrowPrevTitle: "Previous photo",
    arrowNextTitle: "Next photo",
    ...(isStill && { showHideAnimationType: "none", zoomAnimationDuration: 0 }),
  };
}
