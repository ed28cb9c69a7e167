/** Takes files from anywhere in the window and sends them, in chunks: the only user of Dropzone. */

import { trueNameOf } from "./photo-format.js";
import { isLitter, isSystemFile, refusalBeforeSending, refusalOfKind } from "./refusal.js";

const PARALLEL_UPLOADS = 3;
const STALL_MS = 30_000; // nothing moves for so long: the network is gone, and says nothing
const ANSWER_MS = 300_000; // the server may have many photos to look at before this one

/**
 * @typedef {object} Plan how a file is to be sent
 * @property {string} uuid by which the server knows its chunks
 * @property {"everyone"|"owner"} visibility
 * @property {number} chunkBytes
 * @property {number[]} received numbers of the chunks that the server has
 * @property {boolean} [isSafe] the server has all of it: nothing is to be sent
 */

/**
 * @param {object} settings of the server, as far as they are known
 * @param {(file: File) => Promise<Plan|null>} planOf asked when a file's turn comes; null when
 *   it has been taken off the zone, or put behind the others, instead
 * @returns {UploadZone|null} null where Dropzone does not support the browser
 */
export function mountUploadZone(el, { Dropzone, settings, planOf }) {
  return Dropzone.isBrowserSupported() ? new UploadZone(el, Dropzone, settings, planOf) : null;
}

/**
 * Dispatches
 * - `file-added` {file, uuid, willBeSent} and `files-left-out` {count}: of a folder, no photos;
 * - `drops-read` when no folder that was dropped is being read any more;
 * - `file-progress` {file, sentBytes, isSent} and `chunk-safe` {file}, whole files included;
 * - `file-safe` {file}, `file-unconfirmed` {file, isOurs} when the last answer was no receipt for
 *   it, or `file-failed` {file, message, xhr}, without `xhr` when it was refused before it was sent.
 */
class UploadZone extends EventTarget {
  #Dropzone;
  #dropzone;
  #planOf;
  #plans = new Map(); // File → Plan
  #leftOut = 0;
  #dropsToRead = 0;
  #receipts = new WeakMap(); // File → what the server's last answer says is safe

  constructor(el, Dropzone, settings, planOf) {
    super();
    this.#Dropzone = Dropzone;
    this.#planOf = planOf;
    // On the root element, so that a photo may be dropped anywhere in the window.
    this.#dropzone = new Dropzone(document.documentElement, this.#options(el.action, settings));
    this.#joinEvents();
    this.#leaveOutReceivedChunks();
  }

  #options(url, settings) {
    return {
      url,
      parallelUploads: PARALLEL_UPLOADS,
      chunking: true,
      clickable: false,
      createImageThumbnails: false,
      previewsContainer: false,
      disablePreviews: true,
      maxFilesize: null, // refused below, in our own words
      canceled() {}, // else Dropzone reports what the visitor cancelled as an error
      accept: (file, done) => this.#accept(file, done, settings),
      transformFile: (file, send) => this.#prepare(file, send, settings),
      params: ([file], xhr, chunk) => ({
        visibility: this.#plans.get(file).visibility,
        ...(settings.guest && { guest: settings.guest.id }), // who may be somebody else by then
        ...(chunk && this.#chunkFields(chunk)),
      }),
    };
  }

  #joinEvents() {
    const dropzone = this.#dropzone;
    dropzone.on("drop", () => (this.#dropsToRead += 1));
    dropzone.on("addedfiles", () => this.#endDrop());
    dropzone.on("sending", (file, xhr) => this.#watch(file, xhr));
    dropzone.on("uploadprogress", (file, percent, bytes) => {
      // The bytes that Dropzone counts include the envelope around the file.
      const sentBytes = Math.min(file.size, bytes || 0);
      this.#tell("file-progress", { file, sentBytes, isSent: percent >= 100 });
    });
    dropzone.on("success", (file) => {
      this.remove(file);
      const receipt = this.#receipts.get(file);
      if (receipt === "photo") this.#tell("file-safe", { file });
      else this.#tell("file-unconfirmed", { file, isOurs: receipt === "chunk" });
    });
    dropzone.on("error", (file, message, xhr) => this.#tell("file-failed", { file, message, xhr }));
  }

  add(files) {
    for (const file of files) this.#dropzone.addFile(file);
    this.#tellLeftOut();
  }

  /** Behind all others that wait. */
  sendAgain(file) {
    this.remove(file); // Dropzone takes a file only once: it is queued as a new one
    this.#dropzone.addFile(file);
  }

  /** Stops it too. */
  remove(file) {
    this.#plans.delete(file);
    this.#dropzone.removeFile(file);
  }

  /** Begins with no further file; what is under way goes on. */
  pause() {
    this.#dropzone.options.autoProcessQueue = false;
  }

  resume() {
    this.#dropzone.options.autoProcessQueue = true;
    this.#dropzone.processQueue();
  }

  /** Dropzone's hook for every file; one for which `done` is not called stays where it is. */
  async #accept(file, done, settings) {
    if (isLitter(file, settings)) {
      if (!isSystemFile(file.name)) this.#leftOut += 1;
      return;
    }
    const refusal = refusalBeforeSending(file, settings);
    this.#tell("file-added", { file, uuid: file.upload.uuid, willBeSent: !refusal });
    const attempt = file.upload;
    const refusalOfContent = refusal ?? (await refusalOfKind(file, settings));
    const isThere = this.#dropzone.files.includes(file) && file.upload === attempt;
    if (isThere) done(refusalOfContent); // else it was cancelled
  }

  #endDrop() {
    this.#tellLeftOut();
    this.#dropsToRead -= 1;
    if (this.#dropsToRead === 0) this.#tell("drops-read");
  }

  #tellLeftOut() {
    if (this.#leftOut > 0) this.#tell("files-left-out", { count: this.#leftOut });
    this.#leftOut = 0;
  }

  /** Dropzone's hook before a file is sent; `send` reads the chunk size at once. */
  async #prepare(file, send, settings) {
    const attempt = file.upload;
    const [plan, name] = await Promise.all([this.#planOf(file), trueNameOf(file, settings)]);
    if (file.upload !== attempt || file.status !== this.#Dropzone.UPLOADING) return; // cancelled
    if (!plan) return;
    if (plan.isSafe) return this.#finish(file);
    attempt.filename = name;
    this.#plans.set(file, plan);
    this.#dropzone.options.chunkSize = plan.chunkBytes;
    send(file);
  }

  /** As Dropzone itself does it after an answer. */
  #finish(file) {
    this.#receipts.set(file, "photo");
    file.status = this.#Dropzone.SUCCESS;
    this.#dropzone.emit("success", file);
    this.#dropzone.emit("complete", file);
    if (this.#dropzone.options.autoProcessQueue) this.#dropzone.processQueue();
  }

  /** Dropzone's own words, but for the size and the id: those are each file's own. */
  #chunkFields({ file, index }) {
    const { uuid, chunkBytes } = this.#plans.get(file);
    return {
      dzuuid: uuid,
      dzchunkindex: index,
      dztotalfilesize: file.size,
      dzchunksize: chunkBytes,
      dztotalchunkcount: file.upload.totalChunkCount,
      dzchunkbyteoffset: index * chunkBytes,
    };
  }

  #leaveOutReceivedChunks() {
    const submit = this.#dropzone.submitRequest.bind(this.#dropzone);
    this.#dropzone.submitRequest = (xhr, form, files, blocks) => {
      const [file] = files;
      const [{ chunkIndex, data }] = blocks;
      if (!this.#plans.get(file).received.includes(chunkIndex)) {
        return submit(xhr, form, files, blocks);
      }
      const chunk = file.upload.chunks[chunkIndex];
      Object.assign(chunk, { progress: 100, total: data.size, bytesSent: data.size });
      queueMicrotask(() => {
        if (file.status === this.#Dropzone.UPLOADING) file.upload.finishedChunkUpload(chunk, "");
      });
    };
  }

  /** Gives a request up when it stands still. XMLHttpRequest counts its timeout from the start. */
  #watch(file, xhr) {
    const started = performance.now();
    const allow = (ms) => (xhr.timeout = performance.now() - started + ms);
    const answerMs = this.#completes(file) ? ANSWER_MS : STALL_MS;
    allow(STALL_MS);
    xhr.upload.addEventListener("progress", () => allow(STALL_MS));
    xhr.upload.addEventListener("load", () => allow(answerMs));
    // Sooner than `load`, on which Dropzone says "success" to whatever is 2xx.
    xhr.addEventListener("readystatechange", () => {
      const receipt = xhr.status === 204 && xhr.getResponseHeader("Dropwall-Receipt");
      this.#receipts.set(file, receipt);
      if (receipt && xhr.readyState === XMLHttpRequest.DONE) this.#tell("chunk-safe", { file });
    });
  }

  /** Whether the request that goes now brings the last of the file, so that the server looks at the
   * whole photo before it answers. */
  #completes(file) {
    if (!file.upload.chunked) return true;
    const { received } = this.#plans.get(file);
    const { chunks, totalChunkCount } = file.upload;
    const there = new Set(received);
    for (const [number, chunk] of chunks.entries()) {
      if (chunk?.status === this.#Dropzone.SUCCESS) there.add(number);
    }
    return there.size === totalChunkCount - 1;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
