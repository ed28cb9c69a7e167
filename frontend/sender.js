/** Whose photos this device sends: their name, if they like, is asked for once and kept here. */

import { nameGuest } from "./api.js";

const KEPT_AS = "dropwall-sender";
const NOTHING = { name: "", wasAsked: false, ownerId: null };

/** Dispatches `sender-changed`. */
export class Sender extends EventTarget {
  #kept = read();
  #ownerId;

  /**
   * @param {{id: string, name: string|null}} guest as the server knows this device
   * @param {object|null} account that is signed in
   */
  constructor(guest, account) {
    super();
    this.name = guest.name ?? "";
    this.#ownerId = account ? guest.id : null;
    // It was signed out from elsewhere: who comes now is somebody else.
    if (this.#kept.ownerId && this.#kept.ownerId !== guest.id) this.#kept = NOTHING;
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
    this.#kept = { ...kept, ownerId: this.#ownerId };
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify(this.#kept));
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
  try {
    return { ...NOTHING, ...JSON.parse(localStorage.getItem(KEPT_AS)) };
  } catch {
    return NOTHING;
  }
}
