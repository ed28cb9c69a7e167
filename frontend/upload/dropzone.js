/** Sends photos, and takes what is dropped on the page: the only module that knows Dropzone. */

import { failureOf, unconfirmed } from "./refusals.js";

const STALL_MS = 30_000; // nothing moves for so long: the network is gone, and says nothing
const ANSWER_MS = 300_000; // the server may have many photos to look at before this one

/**
 * @typedef {object} Delivery
 * @property {File} file
 * @property {string} name under which it is sent
 * @property {import("./chunks.js").Plan} plan
 * @property {Record<string, string>} fields that go with each request
 * @property {(bytes: number, isAll: boolean) => void} onProgress so much of the plan is sent
 * @property {() => void} onArrival called when the server has a further chunk, or the whole photo
 */

/**
 * Dropzone's own queue is not used: it gets a photo when that is to be sent, and forgets it after
 * the answer. What is dropped goes straight to `onFile`.
 */
export class Uploader {
  #dropzone;
  #deliveries = new Map(); // File → Delivery that is under way, and how it ends

  /**
   * @param {object} on
   * @param {(file: File) => void} on.onFile called for each file that is dropped, one by one where
   *   a folder is being read
   * @param {() => void} on.onDropRead called when all of a drop was handed over
   */
  constructor(Dropzone, url, { onFile, onDropRead }) {
    /** Makes an id for an upload. @type {() => string} */
    this.newId = Dropzone.uuidv4;
    // On the root element, so that a photo may be dropped anywhere in the window.
    this.#dropzone = new Dropzone(document.documentElement, {
      url,
      autoQueue: false,
      autoProcessQueue: false,
      chunking: true,
      clickable: false,
      createImageThumbnails: false,
      previewsContainer: false,
      disablePreviews: true,
      maxFilesize: null, // refused by refusals.js, in our own words
      transformFile: (file, send) => send(this.#deliveries.get(file).plan.body),
      params: ([file], xhr, chunk) => this.#fieldsOf(this.#deliveries.get(file), chunk),
    });
    this.#dropzone.on("addedfiles", onDropRead);
    this.#dropzone.on("addedfile", (file) => {
      if (this.#deliveries.has(file)) return; // added by `send`
      this.#dropzone.removeFile(file);
      onFile(file);
    });
    this.#dropzone.on("sending", (file, xhr) => this.#watch(file, xhr));
    this.#dropzone.on("uploadprogress", (file, percent, bytes) => {
      const delivery = this.#deliveries.get(file);
      // The bytes that Dropzone counts include the envelope around the file.
      const sentBytes = Math.min(delivery?.plan.body.size, bytes || 0);
      delivery?.onProgress(sentBytes, percent >= 100);
    });
    this.#dropzone.on("success", (file) => this.#deliveries.get(file)?.end());
    this.#dropzone.on("error", (file, message, xhr) =>
      this.#deliveries.get(file)?.end(failureOf(xhr)),
    );
  }

  /**
   * Sends what is missing of a file; several files may be on their way at once.
   * @param {Delivery} delivery
   * @param {AbortSignal} signal stops it
   * @returns {Promise<string>} the photo's id, once the server has said that it is safe; rejects
   *   with a Failure, or with the signal's reason
   */
  send(delivery, signal) {
    const { file, name, plan } = delivery;
    return new Promise((resolve, reject) => {
      const end = (error) => {
        const { photoId } = this.#deliveries.get(file) ?? {};
        if (!this.#deliveries.delete(file)) return;
        signal.removeEventListener("abort", stop);
        this.#dropzone.removeFile(file); // which aborts the request, if there still is one
        if (error) reject(error);
        else resolve(photoId);
      };
      const stop = () => end(signal.reason);
      signal.addEventListener("abort", stop);
      this.#deliveries.set(file, { ...delivery, end });
      this.#dropzone.addFile(file);
      file.upload.filename = name;
      this.#dropzone.options.chunkSize = plan.chunkBytes; // Dropzone reads it at once
      this.#dropzone.processFile(file);
    });
  }

  /** To Dropzone the missing chunks are the whole file: they get their own numbers back here. */
  #fieldsOf({ file, plan, fields }, chunk) {
    if (plan.count === 1) return fields;
    const number = plan.missing[chunk?.index ?? 0];
    return {
      ...fields,
      dzuuid: plan.uuid,
      dzchunkindex: number,
      dztotalfilesize: file.size,
      dzchunksize: plan.chunkBytes,
      dztotalchunkcount: plan.count,
      dzchunkbyteoffset: number * plan.chunkBytes,
    };
  }

  /**
   * Gives a request up when it stands still (XMLHttpRequest counts its timeout from the start), and
   * looks at its answer before Dropzone does, to which whatever is 2xx is a success.
   */
  #watch(file, xhr) {
    const delivery = this.#deliveries.get(file);
    const { plan, onArrival, end } = delivery;
    // With the last chunk the server looks at the whole photo before it answers.
    const isLast = !file.upload.chunked || file.upload.chunks.length === plan.missing.length;
    const answerMs = isLast ? ANSWER_MS : STALL_MS;
    const started = performance.now();
    const allow = (ms) => (xhr.timeout = performance.now() - started + ms);
    allow(STALL_MS);
    xhr.upload.addEventListener("progress", () => allow(STALL_MS));
    xhr.upload.addEventListener("load", () => allow(answerMs));
    xhr.addEventListener("readystatechange", () => {
      if (xhr.readyState !== XMLHttpRequest.DONE || xhr.status < 200 || xhr.status > 299) return;
      const receipt = xhr.status === 204 ? xhr.getResponseHeader("Dropwall-Receipt") : null;
      delivery.photoId = /[0-9a-f]{32}/.exec(xhr.getResponseHeader("Location") ?? "")?.[0];
      if (receipt) onArrival();
      if (!receipt || (isLast && receipt !== "photo")) end(unconfirmed(receipt));
    });
  }
}
