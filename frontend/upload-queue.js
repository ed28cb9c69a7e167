/** The photos on their way: how each of them stands, and what is done when one fails. */

import { discardUpload, fetchUpload } from "./api.js";
import { ChunkSize } from "./chunk-size.js";
import { FILE_VANISHED, UNCONFIRMED, failureOf, isPhotoName, isSystemFile } from "./refusal.js";
import { RetryPause } from "./retry-pause.js";

const UNSENT = { state: "waiting", reason: "", canRetry: false };

/**
 * @typedef {object} Upload
 * @property {string} id
 * @property {File} file
 * @property {"waiting"|"sending"|"checking"|"safe"|"failed"} state checking: all is sent, the
 *   answer is still to come
 * @property {number} sentBytes
 * @property {string} reason of a failure, for the visitor
 * @property {boolean} canRetry whether the same file may succeed later
 * @property {boolean|null} isKept whether it survives that the page is closed; null while unknown
 */

/**
 * Dispatches `upload-added`, `upload-changed`, `upload-removed` {upload}, and `files-left-out`
 * {count}: files of a folder that are no photos.
 */
export class UploadQueue extends EventTarget {
  pause = new RetryPause();
  #settings;
  #keptFiles;
  #zone = null;
  #uploads = new Map(); // File → Upload
  #resumed = new Map(); // File → id, of an earlier visit
  #leftOut = 0;
  #chunkSize;

  /** @param {KeptFiles|null} keptFiles null where nothing can be kept */
  constructor(settings, keptFiles) {
    super();
    this.#settings = settings;
    this.#keptFiles = keptFiles;
    this.#chunkSize = new ChunkSize(settings.chunk_bytes);
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
    on("file-added", ({ file, uuid }) => this.#take(file, uuid));
    on("files-added", () => this.#tellLeftOut());
    on("file-progress", ({ file, sentBytes, isSent }) =>
      this.#change(file, { state: isSent ? "checking" : "sending", sentBytes }),
    );
    on("chunk-safe", () => this.pause.succeed());
    on("file-safe", ({ file }) => this.#succeed(file));
    on("file-unconfirmed", ({ file }) => this.#tryLater(this.#uploads.get(file), UNCONFIRMED));
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

  /** @param {Map<string, File>} files of an earlier visit, by the ids that they had then */
  resume(files) {
    for (const [id, file] of files) this.#resumed.set(file, id);
    this.#zone.add(files.values());
  }

  retry(upload) {
    this.#sendAgain(upload);
    this.pause.end();
  }

  retryAll() {
    for (const upload of this.uploads) if (upload.canRetry) this.#sendAgain(upload);
    this.pause.end();
  }

  /** Takes an upload off the queue and out of the count, whatever its state. */
  remove(upload) {
    this.#uploads.delete(upload.file);
    this.#zone.remove(upload.file);
    if (upload.state !== "safe") this.#giveUp(upload);
    this.#tell("upload-removed", upload);
  }

  removeAll() {
    for (const upload of this.uploads) this.remove(upload);
  }

  /** What the zone is to do with a file whose turn has come. */
  planOf = async (file) => {
    const upload = this.#uploads.get(file);
    const chunkBytes = this.#chunkSize.bytes;
    const uuid = uuidOf(upload, chunkBytes);
    const progress = upload.mayHaveArrived ? await fetchUpload(uuid) : null;
    if (progress?.safe) return null;
    upload.mayHaveArrived = file.size > chunkBytes;
    upload.requestBytes = Math.min(file.size, chunkBytes);
    const received = progress?.received ?? [];
    // One chunk has to come for the server to see that all others are there.
    if (received.length === progress?.total) received.pop();
    return { uuid, chunkBytes, received };
  };

  #take(file, uuid) {
    const known = this.#uploads.get(file);
    if (known) return this.#change(file, { ...UNSENT, sentBytes: arrivedBytes(known) });
    if (this.#isLitter(file)) return this.#leaveOut(file);
    if (!this.isBusy) this.#beginBatch();
    const earlierId = this.#resumed.get(file);
    const upload = {
      ...UNSENT,
      id: earlierId ?? uuid,
      file,
      sentBytes: 0,
      mayHaveArrived: Boolean(earlierId),
      isKept: earlierId ? true : null,
    };
    this.#resumed.delete(file);
    this.#uploads.set(file, upload);
    if (!this.#keptFiles) upload.isKept = false;
    else if (!earlierId) this.#keptFiles.keep(upload.id, file);
    this.#tell("upload-added", upload);
  }

  /** What an earlier batch brought home does not count in the next, nor what stopped it. */
  #beginBatch() {
    this.pause.end();
    for (const upload of this.uploads) if (upload.state === "safe") this.remove(upload);
  }

  #isLitter(file) {
    const isFromFolder = Boolean(file.fullPath || file.webkitRelativePath);
    return isFromFolder && (isSystemFile(file.name) || !isPhotoName(file.name, this.#settings));
  }

  #leaveOut(file) {
    if (!isSystemFile(file.name)) this.#leftOut += 1;
    queueMicrotask(() => this.#zone.remove(file)); // once Dropzone is through with adding it
  }

  #tellLeftOut() {
    if (this.#leftOut > 0) {
      const detail = { count: this.#leftOut };
      this.dispatchEvent(new CustomEvent("files-left-out", { detail }));
    }
    this.#leftOut = 0;
  }

  #succeed(file) {
    this.pause.succeed();
    const upload = this.#uploads.get(file);
    if (!upload) return;
    this.#keptFiles?.forget(upload.id);
    this.#change(file, { state: "safe", sentBytes: file.size });
  }

  async #fail({ file, message, xhr }) {
    const upload = this.#uploads.get(file);
    if (!upload) return; // removed by the visitor, or never shown
    const failure = xhr ? failureOf(xhr) : { reason: message, canRetry: false };
    const goesInChunks =
      failure.isTooLargeOnTheWay && this.#chunkSize.shrinkBelow(upload.requestBytes);
    if (goesInChunks) return this.#sendAgain(upload);
    if (xhr?.status === 0 && !(await isReadable(file))) return this.#replaceFile(upload);
    if (!failure.isTemporary) return this.#refuse(upload, failure);
    this.#tryLater(upload, failure.reason, failure.retryAfterSeconds);
  }

  #tryLater(upload, reason, afterSeconds = null) {
    if (!upload) return; // removed by the visitor
    this.pause.begin(reason, afterSeconds);
    this.#sendAgain(upload);
  }

  #refuse(upload, { reason, canRetry }) {
    if (!canRetry) this.#giveUp(upload);
    this.#change(upload.file, { state: "failed", sentBytes: 0, reason, canRetry });
  }

  #sendAgain(upload) {
    if (this.#uploads.has(upload.file)) this.#zone.sendAgain(upload.file);
  }

  /** The file was moved or changed on the device; the copy in the browser may still be there. */
  async #replaceFile(upload) {
    const copy = upload.isKept && (await this.#keptFiles.read(upload.id));
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
    if (upload.mayHaveArrived) discardUpload(uuidOf(upload, this.#chunkSize.bytes));
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

/** Chunks of another size are another upload to the server. */
function uuidOf({ id }, chunkBytes) {
  return `${id}.${chunkBytes}`;
}

function isActive({ state }) {
  return state !== "safe" && state !== "failed";
}

/** Of a file in chunks most has arrived by the time of a failure; a whole one begins anew. */
function arrivedBytes({ mayHaveArrived, sentBytes }) {
  return mayHaveArrived ? sentBytes : 0;
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
