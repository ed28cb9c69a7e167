/** When to go on after the server or the network has failed. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const LONGEST_ORDERED_MS = 3_600_000; // whoever says more is mistaken

/**
 * One pause for all uploads: what failed for one of them fails for the others too. It grows with
 * every failure until something succeeds, and is never the same for all guests. Dispatches
 * `pause-changed` when it begins or ends.
 */
export class RetryPause extends EventTarget {
  /** Why, for the visitor; empty when there is no pause. */
  reason = "";
  #failures = 0;
  #endsAt = null; // as Date.now(): it may end while the device sleeps
  #isOrdered = false;
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

  /** @param {number|null} orderedSeconds what the server asked for, in its Retry-After */
  begin(reason, orderedSeconds = null) {
    if (this.isOn && orderedSeconds === null) return; // uploads that were under way fail together
    const growing = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS);
    const ordered = Math.min((orderedSeconds ?? 0) * 1000, LONGEST_ORDERED_MS);
    const pauseMs = Math.max(ordered, growing * (0.5 + Math.random() / 2));
    if (!this.isOn) this.#failures += 1;
    this.reason = reason;
    this.#isOrdered ||= ordered > LONGEST_MS;
    this.#endsAt = Math.max(this.#endsAt ?? 0, Date.now() + pauseMs);
    this.#wait();
    this.dispatchEvent(new Event("pause-changed"));
  }

  /** Go on now. */
  end() {
    clearTimeout(this.#timer);
    if (!this.isOn) return;
    this.#endsAt = null;
    this.#isOrdered = false;
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
    if (!this.#isOrdered || this.secondsLeft === 0) this.end();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), this.#endsAt - Date.now());
  }
}
