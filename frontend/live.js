/** Keeps the page up to date: by the server's stream while somebody looks, else by asking. */

import { openLive, Unreachable } from "./api.js";

const POLL_SECONDS = 3;
const LONGEST_PAUSE_SECONDS = 12;
const FIRST_EVENT_MS = 5_000; // it is sent at once: later, a proxy may hold the stream back
const SILENCE_MS = 40_000; // a heartbeat comes every 15 s: a stream without any is dead
const GATHERED_MS = 150; // a long wall takes a phone some time to lay out
const SHORT_LIVED_MS = 5_000; // a stream that ends sooner is none
const FIRST_PUT_OFF_MS = 5_000; // until a server that had no stream for us is asked for one again
const LONGEST_PUT_OFF_MS = 60_000;

/**
 * Refreshes the gallery now, and takes in what the stream tells from then on. While no stream has
 * told anything it asks every few seconds, less often while that fails; not at all while the page
 * is hidden, and at once when it is back.
 * @param {import("./gallery.js").Gallery} gallery
 * @param {(isUnreachable: boolean) => void} tell whether asking failed twice in a row
 */
export function keepFresh(gallery, tell) {
  new Live(gallery, tell).wake();
}

class Live {
  #gallery;
  #tell;
  #stream = null;
  #opened = 0;
  #isLive = false; // whether the stream has told anything: a proxy may hold it back
  #timer;
  #failures = 0;
  #refusals = 0;
  #noStreamBefore = 0;
  #heard = []; // changes that the stream has told, and that are not shown yet
  #shown = -Infinity;

  constructor(gallery, tell) {
    this.#gallery = gallery;
    this.#tell = tell;
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("online", () => this.wake());
    window.addEventListener("pageshow", (event) => event.persisted && this.wake());
    window.addEventListener("pagehide", () => this.#close());
  }

  /** Asks at once, and for a new stream: the one that there was may be dead. */
  wake() {
    this.#close();
    clearTimeout(this.#timer);
    // A tab that nobody sees leaves its place to others. Whether the browser is online says
    // nothing of a party's network.
    if (!document.hidden) this.#ask();
  }

  async #ask() {
    const isWell = await this.#take(() => this.#gallery.refresh());
    if (document.hidden || this.#isLive) return;
    clearTimeout(this.#timer);
    if (this.#stream && performance.now() - this.#opened > SILENCE_MS) {
      this.#close();
      this.#putOff();
    }
    if (!this.#stream && isWell && performance.now() >= this.#noStreamBefore) this.#open();
    else this.#askIn(pauseSeconds(this.#failures) * 1000);
  }

  #askIn(ms) {
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  /** Whether the gallery is up to date then. */
  async #take(refresh) {
    try {
      await refresh();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.#failures += 1;
    }
    this.#tell(this.#failures > 1);
    return this.#failures === 0;
  }

  #open() {
    const stream = openLive(this.#gallery.version);
    this.#stream = stream;
    this.#opened = performance.now();
    this.#askIn(FIRST_EVENT_MS);
    stream.addEventListener("message", ({ data }) => {
      this.#expectMore();
      this.#hear(JSON.parse(data));
    });
    stream.addEventListener("heartbeat", () => this.#expectMore());
    stream.addEventListener("error", () => {
      if (stream !== this.#stream) return;
      const isShort = performance.now() - this.#opened < SHORT_LIVED_MS;
      if (isShort || !this.#isLive) this.#putOff();
      else this.#refusals = 0;
      this.wake();
    });
  }

  /** Shows what comes alone at once, and many things together. */
  #hear(changes) {
    this.#heard.push(changes);
    if (this.#heard.length > 1) return;
    setTimeout(() => this.#showHeard(), this.#shown + GATHERED_MS - performance.now());
  }

  async #showHeard() {
    const batch = this.#heard;
    this.#heard = [];
    this.#shown = performance.now();
    if (!(await this.#take(() => this.#gallery.take(batch)))) this.wake();
  }

  #putOff() {
    const ms = Math.min(FIRST_PUT_OFF_MS * 2 ** this.#refusals, LONGEST_PUT_OFF_MS);
    this.#refusals += 1;
    this.#noStreamBefore = performance.now() + ms * (0.75 + Math.random() / 2);
  }

  #expectMore() {
    this.#isLive = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), SILENCE_MS);
  }

  #close() {
    this.#stream?.close();
    this.#stream = null;
    this.#isLive = false;
  }
}

/** Never the same: all pages lose a server at once. */
function pauseSeconds(failures) {
  const growing = POLL_SECONDS * 2 ** Math.max(0, failures - 1);
  return Math.min(growing, LONGEST_PAUSE_SECONDS) * (0.75 + Math.random() / 2);
}
