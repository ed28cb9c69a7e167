/** The queue of photos on their way to the server: the only user of Dropzone. */

import {
  FILE_VANISHED,
  failureOf,
  isPhotoName,
  isSystemFile,
  refusalBeforeSending,
} from "./refusal.js";

const PARALLEL_UPLOADS = 3;
const UNSENT = { state: "waiting", sentBytes: 0, reason: "", canRetry: false };

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {"waiting"|"sending"|"checking"|"safe"|"failed"} state checking: all is sent, the
 *   answer is still to come
 * @property {number} sentBytes
 * @property {string} reason of a failure, for the visitor
 * @property {boolean} canRetry whether the same file may succeed later
 */

/**
 * @param {HTMLElement} el where events go: `upload-added`, `upload-changed`, `upload-removed`
 *   {upload}, `files-left-out` {count}: files of a folder that are no photos
 * @returns {UploadZone|null} null where Dropzone does not support the browser
 */
export function mountUploadZone(el, { Dropzone, settings }) {
  return Dropzone.isBrowserSupported() ? new UploadZone(el, Dropzone, settings) : null;
}

class UploadZone {
  #el;
  #settings;
  #dropzone;
  #uploads = new Map(); // File → Upload
  #leftOut = 0;

  constructor(el, Dropzone, settings) {
    this.#el = el;
    this.#settings = settings;
    // On the root element, so that a photo may be dropped anywhere in the window.
    this.#dropzone = new Dropzone(document.documentElement, this.#options(el.action));
    this.#dropzone.on("addedfile", (file) => this.#take(file));
    this.#dropzone.on("addedfiles", () => this.#tellLeftOut());
    this.#dropzone.on("uploadprogress", (file, percent, bytes) =>
      this.#progress(file, percent, bytes),
    );
    this.#dropzone.on("success", (file) => this.#succeed(file));
    this.#dropzone.on("error", (file, message, xhr) => this.#fail(file, message, xhr));
    window.addEventListener("beforeunload", (event) => this.isBusy && event.preventDefault());
  }

  #options(url) {
    return {
      url,
      parallelUploads: PARALLEL_UPLOADS,
      clickable: false,
      createImageThumbnails: false,
      previewsContainer: false,
      disablePreviews: true,
      maxFilesize: null, // refused below, in our own words
      canceled() {}, // else Dropzone reports what the visitor cancelled as an error
      accept: (file, done) => done(refusalBeforeSending(file, this.#settings)),
    };
  }

  /** @returns {Upload[]} in the order they were added */
  get uploads() {
    return [...this.#uploads.values()];
  }

  /** Whether something is still unsent. */
  get isBusy() {
    return this.uploads.some(({ state }) => state !== "safe" && state !== "failed");
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.#dropzone.addFile(file);
    this.#tellLeftOut();
  }

  retry({ file }) {
    this.#dropzone.removeFile(file); // Dropzone takes a file only once: it is queued as a new one
    this.#dropzone.addFile(file);
  }

  /** Takes an upload off the queue and out of the count, whatever its state. */
  remove(upload) {
    this.#uploads.delete(upload.file);
    this.#dropzone.removeFile(upload.file);
    this.#dispatch("upload-removed", { upload });
  }

  retryAll() {
    for (const upload of this.uploads) if (upload.canRetry) this.retry(upload);
  }

  removeAll() {
    for (const upload of this.uploads) this.remove(upload);
  }

  #take(file) {
    const known = this.#uploads.get(file);
    if (known) return this.#change(file, { ...UNSENT });
    if (this.#isLitter(file)) return this.#leaveOut(file);
    if (!this.isBusy) this.#forgetSafe();
    const upload = { file, ...UNSENT };
    this.#uploads.set(file, upload);
    this.#dispatch("upload-added", { upload });
  }

  /** What an earlier batch brought home does not count in the next. */
  #forgetSafe() {
    for (const upload of this.uploads) if (upload.state === "safe") this.remove(upload);
  }

  #isLitter(file) {
    const isFromFolder = Boolean(file.fullPath || file.webkitRelativePath);
    return isFromFolder && (isSystemFile(file.name) || !isPhotoName(file.name, this.#settings));
  }

  #leaveOut(file) {
    if (!isSystemFile(file.name)) this.#leftOut += 1;
    queueMicrotask(() => this.#dropzone.removeFile(file)); // once Dropzone is through with adding it
  }

  #tellLeftOut() {
    if (this.#leftOut > 0) this.#dispatch("files-left-out", { count: this.#leftOut });
    this.#leftOut = 0;
  }

  #progress(file, percent, bytes) {
    const state = percent >= 100 ? "checking" : "sending";
    // The bytes that Dropzone counts include the envelope around the file.
    this.#change(file, { state, sentBytes: Math.min(file.size, bytes || 0) });
  }

  #succeed(file) {
    this.#dropzone.removeFile(file);
    this.#change(file, { state: "safe", sentBytes: file.size });
  }

  async #fail(file, message, xhr) {
    const failure = xhr ? failureOf(xhr) : { reason: message, canRetry: false };
    if (xhr?.status === 0 && !(await isReadable(file))) {
      Object.assign(failure, { reason: FILE_VANISHED, canRetry: false });
    }
    this.#change(file, { state: "failed", sentBytes: 0, ...failure });
  }

  #change(file, changes) {
    const upload = this.#uploads.get(file);
    if (!upload) return; // removed by the visitor, or never shown
    Object.assign(upload, changes);
    this.#dispatch("upload-changed", { upload });
  }

  #dispatch(name, detail) {
    this.#el.dispatchEvent(new CustomEvent(name, { detail }));
  }
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
