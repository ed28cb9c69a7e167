/** All photos, one after the other, over the whole screen, for as long as somebody likes. */

import { Unreachable } from "./api.js";
import { createWakeLock } from "./wake-lock.js";
import { mountWallJoin } from "./wall-join.js";
import { WallOrder } from "./wall-order.js";
import { mountWallPhoto } from "./wall-photo.js";
import { mountWallToolbar } from "./wall-toolbar.js";

const PHOTO_MS = 8_000;
const NEWS_MS = 4_000; // while others that have just arrived are waiting
const INTERRUPTED_MS = 3_000;
const RETRY_MS = 4_000;
const BLANK_MS = 400; // as in wall.css, with a margin

/**
 * @param {HTMLDialogElement} el dispatches `wall-left` when the visitor leaves it
 * @param {{findPhoto(id: string): Promise<object|null>}} source null is a photo that is gone;
 *   rejects with Unreachable when the server cannot be asked
 */
export function mountWall(el, source) {
  return new Wall(el, source);
}

class Wall {
  #el;
  #source;
  #order = new WallOrder();
  #photos; // the one that is shown comes first
  #join;
  #toolbar;
  #keepAwake = createWakeLock();
  #isOpen = false;
  #current = null; // the id of the photo that is shown
  #isNews = false; // whether it has just arrived
  #changedAt = -Infinity; // as performance.now()
  #notBefore = -Infinity; // because something has failed
  #isTurning = false;
  #timer;

  constructor(el, source) {
    this.#el = el;
    this.#source = source;
    this.#photos = [...el.querySelectorAll(".wall-photo")].map(mountWallPhoto);
    this.#join = mountWallJoin(el.querySelector(".wall-join"));
    const leave = () => this.#leave();
    const screen = el.querySelector(".wall-screen");
    this.#toolbar = mountWallToolbar(el.querySelector(".wall-toolbar"), screen, leave);
    el.addEventListener("close", () => el.open || leave()); // by Escape
    document.addEventListener("visibilitychange", () => this.#schedule());
  }

  get isOpen() {
    return this.#isOpen;
  }

  /** The address is #wall now. */
  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#order.forgetNews();
    this.#notBefore = -Infinity;
    this.#el.showModal();
    this.#el.focus(); // rather than its first button
    this.#toolbar.open();
    this.#join.open();
    this.#keepAwake(true);
    this.#schedule();
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#toolbar.close();
    this.#join.close();
    this.#keepAwake(false);
    this.#blank();
    for (const photo of this.#photos) photo.clear();
    this.#el.close();
  }

  /**
   * After each change of the gallery.
   * @param {import("./gallery.js").Item[]} items
   * @param {Set<string>} news ids of photos that have come or changed; those that are not on the
   *   wall yet are next
   */
  update(items, news) {
    const ids = items.map(({ id }) => id);
    const arrived = [...news].filter((id) => this.#isOpen && !this.#order.has(id));
    this.#order.update(ids, arrived);
    this.#el.toggleAttribute("data-empty", items.length === 0);
    if (!this.#order.has(this.#current)) this.#blank();
    this.#schedule();
  }

  #leave() {
    if (!this.#isOpen) return;
    this.close();
    this.#el.dispatchEvent(new Event("wall-left"));
  }

  /** However often it is called, there is one timer; none while nobody sees the wall. */
  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#isOpen || document.hidden || this.#isTurning) return;
    const due = Math.max(this.#changedAt + this.#minimumMs(), this.#notBefore);
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, due - performance.now()));
  }

  #minimumMs() {
    if (this.#current === null) return 0;
    if (!this.#order.hasNews) return PHOTO_MS;
    return this.#isNews ? NEWS_MS : INTERRUPTED_MS;
  }

  /** To the next photo; the current one stays until the next can be seen. */
  async #turn() {
    const id = this.#order.next(this.#current);
    if (id === null) return;
    this.#isTurning = true;
    let isReady = false;
    try {
      isReady = await this.#prepare(id);
    } finally {
      this.#isTurning = false;
      if (this.#isOpen) this.#finishTurn(id, isReady);
    }
  }

  #finishTurn(id, isReady) {
    if (isReady && this.#order.has(id)) this.#show(id);
    else this.#order.skip(id);
    if (!isReady && this.#order.has(id)) this.#notBefore = performance.now() + RETRY_MS;
    this.#schedule();
  }

  async #prepare(id) {
    try {
      const photo = await this.#source.findPhoto(id);
      if (!this.#order.has(id)) return false; // not everyone may see it, we have learnt
      return photo !== null && (await this.#photos[1].prepare(photo));
    } catch (error) {
      if (error instanceof Unreachable) return false;
      throw error;
    }
  }

  #show(id) {
    this.#photos.reverse();
    this.#photos[0].show();
    this.#photos[1].hide();
    this.#isNews = this.#order.isNews(id);
    this.#order.show(id);
    this.#current = id;
    this.#changedAt = performance.now();
    delete this.#el.dataset.blank;
  }

  /** Shows nothing, at once. */
  #blank() {
    if (this.#current === null) return;
    this.#el.dataset.blank = "";
    for (const photo of this.#photos) photo.hide();
    this.#current = null;
    this.#notBefore = performance.now() + BLANK_MS;
  }
}
