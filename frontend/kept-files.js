/** Files on their way, kept in this browser until they are safe: they survive a reload. */

/**
 * @typedef {object} KeptFile
 * @property {File} file
 * @property {"everyone"|"owner"} visibility who is to see it
 * @property {string|null} [ownerId] the account that alone may go on with it; without one whoever
 *   comes may, so that nothing is lost to who signs in in the midst of it
 * @property {number} [keptAt] milliseconds since 1970
 */

const DATABASE = "dropwall";
const STORE = "files";
const OTHER_TABS_MS = 400;
const OTHERS_MS = 30 * 24 * 60 * 60 * 1000; // on a shared device, its owner may never come back

/**
 * The only user of idb-keyval. Dispatches `file-kept` and `file-not-kept` {id}, and
 * `held-elsewhere` {ids} when another tab says what it is sending, or has given up.
 *
 * IndexedDB rather than OPFS: a gallery in the local network is plain http, where browsers have
 * no OPFS (nor locks to tell tabs apart, hence the channel). It copies files without reading them
 * into the page's memory.
 */
export class KeptFiles extends EventTarget {
  #idb;
  #store;
  #ownerId;
  #channel = new BroadcastChannel("dropwall-files");
  #held = new Set(); // ids of this tab's uploads
  #waiting = new Map(); // id → KeptFile
  #isWriting = false;

  /**
   * Throws where the browser keeps nothing.
   * @param {string|null} ownerId of the account that is signed in
   */
  constructor(idbKeyval, ownerId) {
    super();
    if (!window.indexedDB) throw new Error("This browser has no IndexedDB.");
    this.#idb = idbKeyval;
    this.#ownerId = ownerId;
    this.#store = idbKeyval.createStore(DATABASE, STORE);
    this.#channel.addEventListener("message", ({ data }) => {
      if (data.asked) return this.#tellHeld();
      const { held = [], gone = [] } = data;
      this.#tell("held-elsewhere", { ids: [...held, ...gone] });
      for (const id of gone) if (this.#held.has(id)) this.#tell("file-not-kept", { id });
    });
  }

  /** One after another, behind the uploads' back; which of them are done by then is not written. */
  keep(id, file, visibility) {
    this.#held.add(id);
    this.#waiting.set(id, { file, visibility, ownerId: this.#ownerId, keptAt: Date.now() });
    this.#write();
  }

  /** Safe, or given up; other tabs offer it no more. */
  async forget(id) {
    this.#held.delete(id);
    this.#waiting.delete(id);
    this.#channel.postMessage({ gone: [id] });
    await this.#try(() => this.#idb.del(id, this.#store));
  }

  /** @returns {Promise<KeptFile|undefined>} */
  async read(id) {
    const kept = await this.#try(() => this.#idb.get(id, this.#store));
    // Dropwall kept bare files when there were no private photos.
    return kept instanceof File ? { file: kept, visibility: "everyone" } : kept;
  }

  /**
   * Takes over what an earlier visit has left.
   * @returns {Promise<Map<string, KeptFile>>} by id
   */
  async claim(ids) {
    for (const id of ids) this.#held.add(id);
    this.#tellHeld();
    const read = await Promise.all(ids.map((id) => this.read(id)));
    const kept = new Map(ids.map((id, index) => [id, read[index]]).filter(([, each]) => each));
    for (const [id, { file, visibility, ownerId }] of kept) {
      if ((ownerId ?? null) !== this.#ownerId) this.keep(id, file, visibility); // a guest's till now
    }
    return kept;
  }

  /** @returns {Promise<string[]>} ids of files that are this visitor's to send, and that no open tab
   * is sending */
  async findLeftovers() {
    const ids = (await this.#ids()).filter((id) => !this.#held.has(id));
    if (ids.length === 0) return [];
    const held = await this.#heldElsewhere();
    const still = new Set(await this.#ids()); // what became safe meanwhile is gone
    return ids.filter((id) => still.has(id) && !held.has(id) && !this.#held.has(id));
  }

  async #ids() {
    const ids = (await this.#try(() => this.#idb.keys(this.#store))) ?? [];
    const isTheirs = await Promise.all(ids.map((id) => this.#isTheirs(id)));
    return ids.filter((_, index) => isTheirs[index]);
  }

  async #isTheirs(id) {
    const { ownerId, keptAt } = (await this.read(id)) ?? {};
    if (!ownerId || ownerId === this.#ownerId) return true;
    if (Date.now() - keptAt > OTHERS_MS) this.#try(() => this.#idb.del(id, this.#store));
    return false;
  }

  #tellHeld() {
    this.#channel.postMessage({ held: [...this.#held] });
  }

  async #heldElsewhere() {
    const held = new Set();
    const listen = ({ detail }) => detail.ids.forEach((id) => held.add(id));
    this.addEventListener("held-elsewhere", listen);
    this.#channel.postMessage({ asked: true });
    await new Promise((resolve) => setTimeout(resolve, OTHER_TABS_MS));
    this.removeEventListener("held-elsewhere", listen);
    return held;
  }

  async #write() {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.size > 0) {
      const [[id, kept]] = this.#waiting;
      this.#waiting.delete(id);
      const isKept = await this.#try(() => this.#idb.set(id, kept, this.#store).then(() => true));
      if (!this.#held.has(id)) await this.forget(id); // it was safe sooner
      this.#tell(isKept ? "file-kept" : "file-not-kept", { id });
    }
    this.#isWriting = false;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Undefined when the browser has no room, keeps nothing at all, or cannot read the file. */
  async #try(act) {
    try {
      return await act();
    } catch {
      return undefined;
    }
  }
}
