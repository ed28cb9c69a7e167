/** All photos, one after the other, over the whole screen, for as long as somebody likes. */

import { slideshowSettings } from "../page/address.js";
import { RequestError } from "../page/api.js";
import { createWakeLock } from "../page/wake-lock.js";
import { mountInvitation } from "./join.js";
import { SlideOrder } from "./order.js";
import { mountSlide } from "./photo.js";
import { mountToolbar } from "./toolbar.js";

const PHOTO_MS = 8_000; // unless the address says otherwise
const NEWS_MS = 4_000; // while others that have just arrived are waiting
const INTERRUPTED_MS = 3_000;
const RETRY_MS = 4_000;
const BLANK_MS = 400; // as in slideshow.css, with a margin
const PHOTOS_BEFORE_INVITATION = 9; // which is every tenth picture
const SEEN_PHOTOS = 200; // that one can go back to

export class Slideshow {
  #el;
  #gallery;
  #visitor;
  #onLeave;
  #order = new SlideOrder();
  #slides; // the one that is shown comes first
  #invitation;
  #toolbar;
  #keepAwake = createWakeLock();
  #isOpen = false;
  #isPaused = false;
  #photoMs = PHOTO_MS;
  #hasCode = true; // and an invitation between the photos
  #uninvited = 0; // photos that were shown since the last invitation
  #seen = []; // ids of photos that were shown, in that order
  #current = null; // the id of the photo that is shown
  #isNews = false; // whether it has just arrived
  #changedAt = -Infinity; // as performance.now()
  #notBefore = -Infinity; // because something has failed
  #turn = null; // the one that is under way
  #timer;

  /**
   * @param {HTMLDialogElement} el
   * @param {import("../gallery/gallery.js").Gallery} gallery
   * @param {import("../page/visitor.js").Visitor} visitor
   * @param {() => void} onLeave the visitor has left it
   */
  constructor(el, gallery, visitor, onLeave) {
    this.#el = el;
    this.#gallery = gallery;
    this.#visitor = visitor;
    this.#onLeave = onLeave;
    this.#slides = [...el.querySelectorAll(".slideshow-photo")].map(mountSlide);
    this.#invitation = mountInvitation(el, visitor);
    this.#toolbar = mountToolbar(el.querySelector(".slideshow-screen"), {
      onLeave: () => this.#leave(),
      onPause: () => this.#pause(!this.#isPaused),
    });
    el.addEventListener("close", () => el.open || this.#leave()); // by Escape
    el.addEventListener("keydown", (event) => this.#followKey(event));
    document.addEventListener("visibilitychange", () => this.#schedule());
    gallery.addEventListener("photos-changed", ({ detail: { arrived, changed } }) => {
      if (this.#isOpen) this.#update([...arrived, ...changed]);
    });
    gallery.addEventListener("photos-loaded", () => this.#isOpen && this.#update());
    visitor.addEventListener("visitor-changed", () => this.#isOpen && this.#update());
  }

  /** @param {boolean} [isByHand] somebody has just tapped for it */
  open(isByHand = false) {
    if (this.#isOpen) return;
    const { seconds, hasCode } = slideshowSettings();
    this.#photoMs = seconds ? seconds * 1_000 : PHOTO_MS;
    this.#hasCode = hasCode;
    this.#uninvited = 0;
    this.#invitation.open(hasCode);
    this.#update();
    this.#isOpen = true;
    this.#notBefore = -Infinity;
    this.#el.showModal();
    document.documentElement.dataset.slideshow = "";
    this.#el.focus(); // rather than its first button
    this.#toolbar.open(isByHand);
    this.#keepAwake(true);
    this.#pause(false);
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#turn = null;
    this.#seen = [];
    this.#order.forgetNews();
    this.#toolbar.close();
    this.#invitation.close();
    this.#keepAwake(false);
    this.#blank();
    this.#endInvitation();
    for (const slide of this.#slides) slide.clear();
    delete document.documentElement.dataset.slideshow;
    this.#el.close();
  }

  #leave() {
    if (!this.#isOpen) return;
    this.close();
    this.#onLeave();
  }

  /**
   * Everybody sees the screen: what not everyone may see is not on it, whoever has opened it. Of
   * photos that are not known yet, this is found out when their turn comes.
   * @param {string[]} news ids of photos that have come or changed; those that were not among these
   *   before are next
   */
  #update(news = []) {
    const { mode } = this.#visitor;
    const mayProject = ({ photo }) => !photo || this.#visitor.mayProject(photo);
    const items = this.#gallery.items.filter(mayProject);
    const arrived = news.filter((id) => !this.#order.has(id));
    const ids = items.map(({ id }) => id);
    this.#order.update(ids, arrived);
    const isKnown = this.#gallery.version !== null && mode !== null;
    this.#el.toggleAttribute("data-empty", isKnown && items.length === 0);
    if (!this.#order.has(this.#current)) this.#blank();
    const shown = this.#gallery.find(this.#current)?.photo;
    if (shown) this.#slides[0].describe(shown, this.#isNews); // its guest may have a name by now
    this.#invitation.update(this.#gallery.total);
    this.#schedule();
  }

  #followKey(event) {
    const { key, target, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey) return;
    if (key === " " && target === this.#el) this.#pause(!this.#isPaused);
    else if (key === "ArrowRight") this.#step(1);
    else if (key === "ArrowLeft") this.#step(-1);
    else return;
    event.preventDefault();
  }

  #pause(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) this.#turn = null; // it stays with the photo that is shown
    this.#toolbar.update(isPaused);
    this.#schedule();
  }

  /** To the photo that was shown before, or after; behind the last of them a new one comes. */
  #step(direction) {
    const here = this.#seen.lastIndexOf(this.#current);
    const isInviting = "inviting" in this.#el.dataset; // after the current photo
    const before = this.#seen.slice(0, Math.max(0, here + Number(isInviting))).reverse();
    const known = direction < 0 ? before : this.#seen.slice(here + 1);
    const id = known.find((one) => this.#order.has(one));
    if (id !== undefined) this.#turnTo(id);
    else if (direction > 0) this.#turnToNext();
  }

  /** However often it is called, there is one timer; none while nobody sees the slideshow. */
  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#isOpen || document.hidden || this.#turn) return;
    if (this.#isPaused && this.#current !== null) return;
    const due = Math.max(this.#changedAt + this.#minimumMs(), this.#notBefore);
    this.#timer = setTimeout(() => this.#turnToNext(), Math.max(0, due - performance.now()));
  }

  #minimumMs() {
    if (this.#current === null) return 0;
    if (!this.#order.hasNews) return this.#photoMs;
    return Math.min(this.#photoMs, this.#isNews ? NEWS_MS : INTERRUPTED_MS);
  }

  #turnToNext() {
    const isInvitationDue = this.#uninvited >= PHOTOS_BEFORE_INVITATION && !this.#order.hasNews;
    const mayInvite = this.#hasCode && !this.#visitor.closed;
    if (mayInvite && isInvitationDue) return this.#invite();
    const id = this.#order.next(this.#current);
    if (id === null) return this.#endInvitation();
    this.#seen = [...this.#seen.filter((one) => one !== id), id].slice(-SEEN_PHOTOS);
    this.#turnTo(id);
  }

  #invite() {
    this.#uninvited = 0;
    this.#changedAt = performance.now();
    this.#el.dataset.inviting = "";
    this.#schedule();
  }

  #endInvitation() {
    delete this.#el.dataset.inviting;
  }

  /** The current photo stays until the next can be seen. A turn that begins ends the former. */
  async #turnTo(id) {
    const turn = {};
    this.#turn = turn;
    let isReady = false;
    try {
      isReady = await this.#prepare(id);
    } finally {
      if (this.#turn === turn) this.#finishTurn(id, isReady);
    }
  }

  #finishTurn(id, isReady) {
    this.#turn = null;
    this.#endInvitation();
    if (isReady && this.#order.has(id)) this.#show(id);
    else this.#order.skip(id);
    if (!isReady && this.#order.has(id)) this.#notBefore = performance.now() + RETRY_MS;
    this.#schedule();
  }

  async #prepare(id) {
    try {
      const photo = await this.#gallery.findPhoto(id);
      if (!this.#order.has(id)) return false; // not everyone may see it, we have learnt
      return photo !== null && (await this.#slides[1].prepare(photo, this.#order.isNews(id)));
    } catch (error) {
      if (error instanceof RequestError) return false;
      throw error;
    }
  }

  #show(id) {
    this.#slides.reverse();
    this.#slides[0].show();
    this.#slides[1].hide();
    this.#isNews = this.#order.isNews(id);
    this.#order.show(id);
    this.#current = id;
    this.#changedAt = performance.now();
    this.#uninvited += 1;
    delete this.#el.dataset.blank;
  }

  /** Shows nothing, at once. */
  #blank() {
    if (this.#current === null) return;
    this.#el.dataset.blank = "";
    for (const slide of this.#slides) slide.hide();
    this.#current = null;
    this.#notBefore = performance.now() + BLANK_MS;
  }
}
