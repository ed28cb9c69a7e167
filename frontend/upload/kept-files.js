/** Keeps files on their way in this browser until they are safe, so that they survive a reload: the
 * only user of idb-keyval. */

const DATABASE = "dropwall";
const STORE = "files";
const OTHER_TABS_MS = 400; // for them to answer
const OTHERS_MS = 30 * 24 * 60 * 60 * 1000; // on a shared device, its owner may never come back

/**
 * @typedef {object} KeptFile
 * @property {File} file
 * @property {"everyone"|"owner"} visibility who is to see it
 * @property {string|null} [ownerId] the account that alone may go on with it; without one whoever
 *   comes may, so that nothing is lost to who signs in in the midst of it
 * @property {number} [keptAt] milliseconds since 1970
 */

/**
 * IndexedDB rather than OPFS: a gallery in the local network is plain http, where browsers have no
 * OPFS (nor locks to tell tabs apart, hence the channel). It copies files without reading them into
 * the page's memory.
 */
export class KeptFiles {
  /** Called with the ids of files that another tab is sending, has given up or has finished.
   * @type {(ids: string[]) => void} */
  onOtherTab = () => {};
  #idb;
  #store;
  #ownerId;
  #channel = new BroadcastChannel("dropwall-files");
  #held = new Set(); // ids of this tab's uploads
  #written = Promise.resolve(true); // the latest file
  #isOurs = new Map(); // id → whether this visitor may send it, of files that were looked at

  /**
   * Throws where the browser keeps nothing.
   * @param {string|null} ownerId of the account that is signed in
   */
  constructor(idbKeyval, ownerId) {
    if (!window.indexedDB) throw new Error("This browser has no IndexedDB.");
    this.#idb = idbKeyval;
    this.#ownerId = ownerId;
    this.#store = idbKeyval.createStore(DATABASE, STORE);
    this.#channel.addEventListener("message", (message) => {
      if (message.data.asked) return this.#tellHeld();
      for (const id of idsOf(message)) this.#isOurs.delete(id); // it may be an account's from now on
      this.onOtherTab(idsOf(message));
    });
  }

  /**
   * Files are written one after another, while they are being sent.
   * @returns {Promise<boolean>} whether the browser has a copy now
   */
  keep(id, file, visibility) {
    this.#held.add(id);
    const kept = { file, visibility, ownerId: this.#ownerId, keptAt: Date.now() };
    const write = async () => {
      if (!this.#held.has(id)) return false; // it is safe or given up by now
      const set = () => this.#idb.set(id, kept, this.#store).then(() => true);
      const isKept = Boolean(await this.#try(set));
      if (!this.#held.has(id)) await this.forget(id); // it was safe sooner
      return isKept;
    };
    return (this.#written = this.#written.then(write));
  }

  /** It is safe, or given up: no tab offers it any more. */
  async forget(id) {
    this.#held.delete(id);
    this.#isOurs.delete(id);
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
    if ((await this.#notHeld()).length === 0) return [];
    const heldElsewhere = await this.#askOtherTabs();
    const ids = (await this.#notHeld()).filter((id) => !heldElsewhere.has(id));
    const areOurs = await Promise.all(ids.map((id) => this.#mayBeSent(id)));
    return ids.filter((id, index) => areOurs[index] && !this.#held.has(id));
  }

  async #notHeld() {
    const ids = (await this.#try(() => this.#idb.keys(this.#store))) ?? [];
    return ids.filter((id) => !this.#held.has(id));
  }

  async #askOtherTabs() {
    const answers = new Set();
    const listen = (message) => idsOf(message).forEach((id) => answers.add(id));
    this.#channel.addEventListener("message", listen);
    this.#channel.postMessage({ asked: true });
    await new Promise((resolve) => setTimeout(resolve, OTHER_TABS_MS));
    this.#channel.removeEventListener("message", listen);
    return answers;
  }

  /** Whether it may be sent by this visitor. Each file is read once, not at each return to the tab. */
  async #mayBeSent(id) {
    if (this.#isOurs.has(id)) return this.#isOurs.get(id);
    const { ownerId, keptAt } = (await this.read(id)) ?? {};
    const isOurs = !ownerId || ownerId === this.#ownerId;
    this.#isOurs.set(id, isOurs);
    if (!isOurs && Date.now() - keptAt > OTHERS_MS) this.#try(() => this.#idb.del(id, this.#store));
    return isOurs;
  }

  #tellHeld() {
    this.#channel.postMessage({ held: [...this.#held] });
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

/** What another tab is sending, and what it has given up or finished. */
function idsOf({ data: { held = [], gone = [] } }) {
  return [...held, ...gone];
}
