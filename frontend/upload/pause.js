/** Decides when uploads go on after the server or the network has failed. */

import { backoffMs } from "../page/patience.js";

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const LONGEST_RETRY_AFTER_MS = 3_600_000; // a server that asks for more is taken to be mistaken

/**
 * One pause for all uploads, since what failed for one of them fails for the others too. It grows
 * with each failure until something arrives, and has jitter. Dispatches `pause-changed` when it
 * begins or ends.
 */
export class RetryPause extends EventTarget {
  /** The failure, for the visitor; empty when there is no pause. */
  reason = "";
  #failures = 0;
  #endsAt = null; // as Date.now(), which goes on while the device sleeps
  #isLongOrder = false; // by the server: being online again doesn't end it
  #timer = null;

  constructor() {
    super();
    window.addEventListener("online", () => this.#endSooner());
    document.addEventListener("visibilitychange", () => document.hidden || this.#endSooner());
  }

  get isOn() {
    return this.#endsAt !== null;
  }

  get secondsLeft() {
    return this.isOn ? Math.max(0, (this.#endsAt - Date.now()) / 1000) : 0;
  }

  /** @param {number|null} retryAfterSeconds what the server asked for */
  begin(reason, retryAfterSeconds = null) {
    if (this.isOn && retryAfterSeconds === null) return; // uploads under way fail together
    const ordered = Math.min((retryAfterSeconds ?? 0) * 1000, LONGEST_RETRY_AFTER_MS);
    const pauseMs = Math.max(ordered, backoffMs(this.#failures, FIRST_MS, LONGEST_MS));
    if (!this.isOn) this.#failures += 1;
    this.reason = reason;
    this.#isLongOrder ||= ordered > LONGEST_MS;
    this.#endsAt = Math.max(this.#endsAt ?? 0, Date.now() + pauseMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), this.#endsAt - Date.now());
    this.dispatchEvent(new Event("pause-changed"));
  }

  /** Ends it at once. */
  end() {
    clearTimeout(this.#timer);
    if (!this.isOn) return;
    this.#endsAt = null;
    this.#isLongOrder = false;
    this.reason = "";
    this.dispatchEvent(new Event("pause-changed"));
  }

  /** Whether nothing has failed since something arrived. */
  get isFresh() {
    return this.#failures === 0;
  }

  /** Something arrived: the next pause is a short one again. */
  succeed() {
    this.#failures = 0;
  }

  #endSooner() {
    if (!this.#isLongOrder || this.secondsLeft === 0) this.end();
  }
}
