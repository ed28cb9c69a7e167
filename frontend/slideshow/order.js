/** Which photo the slideshow shows next. */

const TRIES = 3; // of a photo that has just arrived, before it loses its turn

/**
 * Photos that arrive are next, in the order of arrival. Else it is any one that was not shown yet
 * in this round; a round ends when all were shown that could be. Nothing here grows beyond the
 * number of photos.
 */
export class SlideOrder {
  #random;
  #ids = [];
  #known = new Set();
  #queue = new Map(); // id → how often it has failed, of photos that have just arrived
  #shown = new Set(); // in this round
  #failed = new Set(); // in this round

  /** @param {() => number} random from 0 up to 1 */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Whether a photo that has just arrived is next. */
  get hasNews() {
    return this.#queue.size > 0;
  }

  has(id) {
    return this.#known.has(id);
  }

  isNews(id) {
    return this.#queue.has(id);
  }

  /**
   * @param {string[]} ids of all photos
   * @param {Iterable<string>} arrived those that are to be next, the first that arrived first
   */
  update(ids, arrived = []) {
    this.#ids = ids;
    this.#known = new Set(ids);
    for (const id of arrived) this.#queue.set(id, this.#queue.get(id) ?? 0);
    for (const id of this.#queue.keys()) if (!this.has(id)) this.#queue.delete(id);
  }

  /** What has arrived is news no more: nobody has been watching. */
  forgetNews() {
    this.#queue.clear();
  }

  /** @returns {string|null} null when there is none but the current one */
  next(current = null) {
    this.#queue.delete(current);
    const [news] = this.#queue.keys();
    return news ?? this.#anyOf(this.#unseen(current)) ?? this.#anyOf(this.#newRound(current));
  }

  /** It is shown now. */
  show(id) {
    this.#queue.delete(id);
    this.#failed.delete(id);
    this.#shown.add(id);
  }

  /** It cannot be had: others come first, and it is not waited for. */
  skip(id) {
    const tries = this.isNews(id) ? this.#queue.get(id) + 1 : TRIES;
    this.#queue.delete(id);
    if (tries < TRIES) this.#queue.set(id, tries);
    else this.#failed.add(id);
  }

  #unseen(current) {
    return this.#ids.filter(
      (id) => id !== current && !this.#shown.has(id) && !this.#failed.has(id),
    );
  }

  #newRound(current) {
    this.#shown.clear();
    this.#failed.clear();
    return this.#unseen(current);
  }

  #anyOf(ids) {
    return ids.length > 0 ? ids[Math.floor(this.#random() * ids.length)] : null;
  }
}
