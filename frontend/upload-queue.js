/** The photos on their way: how each of them stands, and what is done when one fails. */

import { Unreachable } from "./api.js";
import { ChunkPlans } from "./chunk-plans.js";
import { CHUNKS_LOST, FILE_VANISHED, NO_CONNECTION, UNCONFIRMED, failureOf } from "./refusal.js";
import { RetryPause } from "./retry-pause.js";

const MOST_STRIKES = 12; // of a photo that fails while others arrive: it is not the network then
const UNSENT = { state: "waiting", reason: "", canRetry: false };

/**
 * @typedef {object} Upload
 * @property {string} id
 * @property {File} file
 * @property {"everyone"|"owner"} visibility who is to see it, as chosen when it was added
 * @property {"waiting"|"sending"|"checking"|"safe"|"failed"} state checking: all is sent, the
 *   answer is still to come
 * @property {number} sentBytes
 * @property {number} arrivedBytes of the chunks that the server has
 * @property {string} [uuid] by which the server knows its chunks
 * @property {number} [requestBytes] how large its requests are
 * @property {boolean} mayHaveArrived whether the server has to be asked first
 * @property {number} strikes how often it failed while others arrived
 * @property {string} reason of a failure, for the visitor
 * @property {boolean} canRetry whether the same file may succeed later
 * @property {boolean|null} isKept whether it survives that the page is closed; null while unknown
 */

/**
 * Dispatches `upload-added`, `upload-changed` and `upload-removed` {upload}.
 */
export class UploadQueue extends EventTarget {
  pause = new RetryPause();
  #keptFiles;
  #visibilityOf;
  #zone = null;
  #uploads = new Map(); // File → Upload
  #resumed = new Map(); // File → {id, visibility}, of an earlier visit
  #plans;

  /**
   * @param {KeptFiles|null} keptFiles null where nothing can be kept
   * @param {(file: File) => "everyone"|"owner"} visibilityOf a file that is added now
   */
  constructor(settings, keptFiles, visibilityOf) {
    super();
    this.#keptFiles = keptFiles;
    this.#visibilityOf = visibilityOf;
    this.#plans = new ChunkPlans(settings);
    keptFiles?.addEventListener("file-kept", ({ detail }) => this.#setKept(detail.id, true));
    keptFiles?.addEventListener("file-not-kept", ({ detail }) => this.#setKept(detail.id, false));
    this.pause.addEventListener("pause-changed", () =>
      this.pause.isOn ? this.#zone.pause() : this.#zone.resume(),
    );
    window.addEventListener("beforeunload", (event) => this.wouldLose && event.preventDefault());
  }

  /** The zone asks for plans, the queue hears its events. */
  sendBy(zone) {
    this.#zone = zone;
    const on = (name, act) => zone.addEventListener(name, ({ detail }) => act(detail));
    on("file-added", (added) => this.#take(added));
    on("file-progress", ({ file, sentBytes, isSent }) =>
      this.#change(file, { state: isSent ? "checking" : "sending", sentBytes }),
    );
    on("chunk-safe", ({ file }) => this.#noteArrival(file));
    on("file-safe", ({ file }) => this.#succeed(file));
    on("file-unconfirmed", ({ file, isOurs }) =>
      this.#tryLater(this.#uploads.get(file), isOurs ? CHUNKS_LOST : UNCONFIRMED),
    );
    on("file-failed", (failure) => this.#fail(failure));
  }

  /** @returns {Upload[]} in the order they were added */
  get uploads() {
    return [...this.#uploads.values()];
  }

  get isBusy() {
    return this.uploads.some(isActive);
  }

  /** Whether something would be lost if the page were closed now. */
  get wouldLose() {
    return this.uploads.some((upload) => isPending(upload) && !upload.isKept);
  }

  /** Whether the browser has no room for something that is still on its way. */
  get mustStayOpen() {
    return this.uploads.some((upload) => isPending(upload) && upload.isKept === false);
  }

  /** @param {Iterable<File>} files */
  add(files) {
    this.#zone.add(files);
  }

  /** @param {Map<string, KeptFile>} kept at an earlier visit, by the ids that they had then */
  resume(kept) {
    for (const [id, { file, visibility }] of kept) this.#resumed.set(file, { id, visibility });
    this.#zone.add([...kept.values()].map(({ file }) => file));
  }

  retry(upload) {
    upload.strikes = 0;
    this.#sendAgain(upload);
    this.pause.end();
  }

  retryAll() {
    for (const upload of this.uploads) if (upload.canRetry) this.retry(upload);
  }

  /** Takes an upload off the queue and out of the count, whatever its state. */
  remove(upload) {
    this.#uploads.delete(upload.file);
    this.#zone.remove(upload.file);
    if (isPending(upload)) this.#giveUp(upload);
    this.#tell("upload-removed", upload);
  }

  removeAll() {
    for (const upload of this.uploads) this.remove(upload);
  }

  /** Gives up what an earlier visit has left. */
  forget(ids) {
    for (const id of ids) {
      this.#keptFiles.forget(id);
      this.#plans.discard({ id });
    }
  }

  /** What the zone is to do with a file whose turn has come. */
  planOf = async (file) => {
    const upload = this.#uploads.get(file);
    try {
      const plan = await this.#plans.make(upload);
      return { ...plan, visibility: upload.visibility };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.#tryLater(upload, NO_CONNECTION);
      return null;
    }
  };

  #take({ file, uuid, willBeSent }) {
    const known = this.#uploads.get(file);
    if (known) return this.#change(file, { ...UNSENT, sentBytes: known.arrivedBytes });
    if (!this.isBusy) this.#beginBatch();
    const earlier = this.#resumed.get(file);
    const upload = {
      ...UNSENT,
      id: earlier?.id ?? uuid,
      file,
      visibility: earlier?.visibility ?? this.#visibilityOf(file),
      sentBytes: 0,
      arrivedBytes: 0,
      strikes: 0,
      mayHaveArrived: Boolean(earlier),
      isKept: earlier ? true : null,
    };
    this.#resumed.delete(file);
    this.#uploads.set(file, upload);
    if (!this.#keptFiles) upload.isKept = false;
    else if (willBeSent && !earlier) this.#keptFiles.keep(upload.id, file, upload.visibility);
    this.#tell("upload-added", upload);
  }

  /** What an earlier batch brought home does not count in the next, nor what stopped it. */
  #beginBatch() {
    this.pause.end();
    for (const upload of this.uploads) if (upload.state === "safe") this.remove(upload);
  }

  #noteArrival(file) {
    this.pause.succeed();
    const upload = this.#uploads.get(file);
    if (!upload) return; // removed by the visitor
    upload.strikes = 0;
    this.#plans.noteArrival(upload);
  }

  #succeed(file) {
    const upload = this.#uploads.get(file);
    if (!upload) return;
    this.#keptFiles?.forget(upload.id);
    this.#change(file, { state: "safe", sentBytes: file.size });
  }

  async #fail({ file, message, xhr }) {
    const upload = this.#uploads.get(file);
    if (!upload) return; // removed by the visitor, or never shown
    const failure = xhr ? failureOf(xhr) : { reason: message, canRetry: false };
    if (failure.isTooLargeOnTheWay && this.#plans.shrinkBelow(upload)) {
      return this.#sendAgain(upload);
    }
    if (xhr?.status === 0 && !(await isReadable(file))) return this.#replaceFile(upload);
    if (!failure.isTemporary) return this.#refuse(upload, failure);
    this.#tryLater(upload, failure.reason, failure.retryAfterSeconds);
  }

  #tryLater(upload, reason, afterSeconds = null) {
    if (!upload) return; // removed by the visitor
    if (this.pause.isFresh) upload.strikes += 1;
    if (this.pause.isFresh && upload.strikes >= MOST_STRIKES) {
      this.#zone.remove(upload.file);
      return this.#refuse(upload, { reason, canRetry: true });
    }
    this.pause.begin(reason, afterSeconds);
    this.#sendAgain(upload);
  }

  #refuse(upload, { reason, canRetry }) {
    if (!canRetry) this.#giveUp(upload);
    this.#change(upload.file, {
      state: "failed",
      sentBytes: upload.arrivedBytes,
      reason,
      canRetry,
    });
  }

  #sendAgain(upload) {
    if (this.#uploads.has(upload.file)) this.#zone.sendAgain(upload.file);
  }

  /** The file was moved or changed on the device; the copy in the browser may still be there. */
  async #replaceFile(upload) {
    const copy = upload.isKept && (await this.#keptFiles.read(upload.id))?.file;
    if (!this.#uploads.has(upload.file)) return;
    if (!copy || copy === upload.file || !(await isReadable(copy))) {
      return this.#refuse(upload, { reason: FILE_VANISHED, canRetry: false });
    }
    this.#zone.remove(upload.file);
    this.#uploads.delete(upload.file);
    upload.file = copy;
    this.#uploads.set(copy, upload);
    this.#zone.add([copy]);
  }

  /** Nobody waits for it any more: not this browser, and not the server. */
  #giveUp(upload) {
    this.#keptFiles?.forget(upload.id);
    this.#plans.discard(upload);
  }

  #setKept(id, isKept) {
    const upload = this.uploads.find((candidate) => candidate.id === id);
    if (upload) this.#change(upload.file, { isKept });
  }

  #change(file, changes) {
    const upload = this.#uploads.get(file);
    if (!upload) return; // removed by the visitor, or never shown
    Object.assign(upload, changes);
    this.#tell("upload-changed", upload);
  }

  #tell(name, upload) {
    this.dispatchEvent(new CustomEvent(name, { detail: { upload } }));
  }
}

function isActive({ state }) {
  return state !== "safe" && state !== "failed";
}

/** Still to come, or so the visitor hopes. */
function isPending(upload) {
  return isActive(upload) || upload.canRetry;
}

/** Browsers report a file that was changed or deleted meanwhile as a lost connection. */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
