/** Whose photos this device sends: their name, if they like, is asked for once and kept here. */

import { nameGuest } from "./api.js";

const KEPT_AS = "dropwall-sender";

/** Dispatches `sender-changed`. */
export class Sender extends EventTarget {
  #kept = read();

  /** @param {{id: string, name: string|null}} guest as the server knows this device */
  constructor(guest) {
    super();
    this.id = guest.id;
    this.name = guest.name ?? "";
    // A server that has forgotten us (another cookie, a new start) is told again.
    if (!this.name && this.#kept.name) this.save(this.#kept.name).catch(() => {});
  }

  get wasAsked() {
    return Boolean(this.name) || this.#kept.wasAsked;
  }

  async save(name) {
    await nameGuest(name);
    this.name = name;
    this.#keep({ name, wasAsked: true });
  }

  decline() {
    this.#keep({ ...this.#kept, wasAsked: true });
  }

  #keep(kept) {
    this.#kept = kept;
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify(kept));
    } catch {
      // This browser keeps nothing: they are asked again at the next visit.
    }
    this.dispatchEvent(new CustomEvent("sender-changed"));
  }
}

/** Somebody else may use this device now. */
export function forgetSender() {
  try {
    localStorage.removeItem(KEPT_AS);
  } catch {
    // Nothing was kept.
  }
}

function read() {
  const nothing = { name: "", wasAsked: false };
  try {
    return { ...nothing, ...JSON.parse(localStorage.getItem(KEPT_AS)) };
  } catch {
    return nothing;
  }
}
