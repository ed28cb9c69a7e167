/** Keeps the gallery up to date: by the server's event stream while the page is visible, else by polling. */

import { RequestError, openLive } from "../page/api.js";
import { backoffMs } from "../page/patience.js";

const POLL_MS = 4_000;
const LONGEST_POLL_MS = 15_000;
const FIRST_EVENT_MS = 5_000; // it is sent at once: later, a proxy may hold the stream back
const SILENCE_MS = 40_000; // a heartbeat comes every 15 s: a stream without any is dead
const GATHERED_MS = 150; // a long grid takes a phone some time to lay out
const SHORT_LIVED_MS = 5_000; // a stream that ends sooner counts as a failed connection
const FIRST_PUT_OFF_MS = 5_000; // until a server without room for a stream is asked for one again
const LONGEST_PUT_OFF_MS = 60_000;

/**
 * Refreshes the gallery now and follows the stream from then on. Until the stream's first event it
 * polls every few seconds, less often while that fails; not at all while the page is hidden, and at
 * once when it is visible again.
 * @param {import("./gallery.js").Gallery} gallery
 * @param {(isUnreachable: boolean) => void} tell whether two requests in a row have failed
 * @param {() => void} [onEnd] a stream has ended that was live: the server ends those of a visitor whose
 *   session was ended on another device
 */
export function keepFresh(gallery, tell, onEnd = () => {}) {
  const live = new Live(gallery, tell, onEnd);
  document.addEventListener("visibilitychange", () => live.restart());
  window.addEventListener("online", () => live.restart());
  window.addEventListener("pageshow", (event) => event.persisted && live.restart());
  window.addEventListener("pagehide", () => live.close());
  live.restart();
}

class Live {
  #gallery;
  #tell;
  #onEnd;
  #stream = null;
  #openedAt = 0; // as performance.now()
  #isLive = false; // whether the stream has sent anything: a proxy may hold it back
  #timer;
  #failures = 0; // of requests, in a row
  #refusals = 0; // of streams, in a row
  #noStreamBefore = 0; // as performance.now()
  #heard = []; // changes from the stream that are not shown yet
  #shownAt = -Infinity;

  constructor(gallery, tell, onEnd) {
    this.#gallery = gallery;
    this.#tell = tell;
    this.#onEnd = onEnd;
  }

  /** Polls at once, and opens a new stream: the one that was open may be dead. */
  restart() {
    this.close();
    clearTimeout(this.#timer);
    // A hidden tab leaves its stream to others. Whether the browser says that it is online means
    // nothing in a party's network.
    if (!document.hidden) this.#poll();
  }

  close() {
    this.#stream?.close();
    this.#stream = null;
    this.#isLive = false;
  }

  async #poll() {
    const isUpToDate = await this.#try(() => this.#gallery.refresh());
    if (document.hidden || this.#isLive) return;
    clearTimeout(this.#timer);
    if (this.#stream && performance.now() - this.#openedAt > SILENCE_MS) {
      this.close();
      this.#putOff();
    }
    if (!this.#stream && isUpToDate && performance.now() >= this.#noStreamBefore) this.#open();
    else this.#pollIn(backoffMs(Math.max(0, this.#failures - 1), POLL_MS, LONGEST_POLL_MS));
  }

  #pollIn(ms) {
    this.#timer = setTimeout(() => this.#poll(), ms);
  }

  /** @returns {Promise<boolean>} whether the gallery is up to date */
  async #try(refresh) {
    try {
      await refresh();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#failures += 1;
    }
    this.#tell(this.#failures > 1);
    return this.#failures === 0;
  }

  #open() {
    const stream = openLive(this.#gallery.version);
    this.#stream = stream;
    this.#openedAt = performance.now();
    this.#pollIn(FIRST_EVENT_MS);
    stream.addEventListener("message", ({ data }) => {
      this.#expectMore();
      this.#hear(JSON.parse(data));
    });
    stream.addEventListener("heartbeat", () => this.#expectMore());
    stream.addEventListener("error", () => {
      if (stream !== this.#stream) return;
      if (this.#isLive) this.#onEnd();
      const isShort = performance.now() - this.#openedAt < SHORT_LIVED_MS;
      if (isShort || !this.#isLive) this.#putOff();
      else this.#refusals = 0;
      this.restart();
    });
  }

  #expectMore() {
    this.#isLive = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.restart(), SILENCE_MS);
  }

  /** Shows a single change at once, and many that follow each other together. */
  #hear(changes) {
    this.#heard.push(changes);
    if (this.#heard.length > 1) return;
    setTimeout(() => this.#showHeard(), this.#shownAt + GATHERED_MS - performance.now());
  }

  async #showHeard() {
    const batch = this.#heard;
    this.#heard = [];
    this.#shownAt = performance.now();
    if (!(await this.#try(() => this.#gallery.take(batch)))) this.restart();
  }

  /** Polls for a while before the next stream. */
  #putOff() {
    const ms = backoffMs(this.#refusals, FIRST_PUT_OFF_MS, LONGEST_PUT_OFF_MS);
    this.#refusals += 1;
    this.#noStreamBefore = performance.now() + ms;
  }
}
