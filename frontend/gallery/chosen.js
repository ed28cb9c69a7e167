/** The photos that the visitor has chosen, to do something with all of them at once. */

/** Dispatches `chosen-changed` when others are chosen, and when choosing begins or ends. */
export class Chosen extends EventTarget {
  /** Whether a tap chooses a photo instead of opening it. */
  isOn = false;
  /** @type {Set<string>} in the order in which they were chosen */
  ids = new Set();
  #gallery;
  #lastId = null; // that was chosen, from which a range goes on

  /** @param {import("./gallery.js").Gallery} gallery */
  constructor(gallery) {
    super();
    this.#gallery = gallery;
    // What is not shown is not acted on: it was removed, or the filter excludes it.
    gallery.addEventListener("photos-changed", () => {
      const gone = [...this.ids].filter((id) => !gallery.find(id));
      if (gone.length > 0) this.#unchoose(gone);
    });
  }

  begin() {
    this.isOn = true;
    this.dispatchEvent(new Event("chosen-changed"));
  }

  /** Nothing is chosen any more. */
  end() {
    this.isOn = false;
    this.ids.clear();
    this.dispatchEvent(new Event("chosen-changed"));
  }

  /** Chooses a photo, or no longer. */
  toggle(id) {
    if (this.ids.has(id)) this.#unchoose([id]);
    else this.#choose([id], id);
  }

  /** Chooses all from the last chosen to this one. */
  chooseTo(id) {
    const { items } = this.#gallery;
    const index = items.findIndex((item) => item.id === id);
    const last = items.findIndex((item) => item.id === this.#lastId);
    const [from, to] = [index, last < 0 ? index : last].sort((one, other) => one - other);
    this.#choose(
      items.slice(from, to + 1).map((item) => item.id),
      id,
    );
  }

  #choose(ids, lastId) {
    for (const id of ids) this.ids.add(id);
    this.#lastId = lastId;
    this.begin();
  }

  #unchoose(ids) {
    for (const id of ids) this.ids.delete(id);
    if (this.ids.size === 0) this.end();
    else this.begin();
  }
}
