/** Tells why a photo was not taken, in one sentence for the visitor, and whether to try again. */

import { formatBytes } from "../page/format.js";
import {
  FORMATS,
  extensionOf,
  takenFormats,
  takenSpellings,
  trueExtensionOf,
} from "./photo-format.js";

const LOST = 0; // XMLHttpRequest's status without an answer
const TEMPORARY = [LOST, 408, 429, 502, 503, 504];
const ABOUT_THE_REQUEST = ["cut-off", "broken-form", "wrong-chunk", "closed"]; // not the photo
const LATER = [401, 500, 507]; // when they have come in again, it is mended, or there is room
const AGAIN = / (Try|Add it) again.*$/; // the end of a sentence of the server's
const SYSTEM_FILES = ["thumbs.db", "desktop.ini"];

export const FILE_VANISHED = "This file was moved or changed on your device. Choose it again.";
const NO_CONNECTION = "No connection. Your photos are waiting.";
const CHUNKS_LOST = "A photo got interrupted. Sending it again.";
const UNCONFIRMED = "This Wi-Fi wants you to sign in first.";

/** A photo could not be sent, or was refused. */
export class Failure extends Error {
  /** The same photo may succeed later: what others than our server say is never the last word. */
  canRetry = true;
  /** ... and soon: it is worth trying without being asked. */
  isTemporary = true;
  /** When the server says how soon. @type {number|null} */
  retryAfterSeconds = null;
  /** No answer came: the network is gone, or the file can no longer be read. */
  isLost = false;
  /** Not for Dropwall, but for a proxy in front of it. */
  isTooLargeOnTheWay = false;
}

/** The server could not be asked. */
export function lostConnection() {
  return Object.assign(new Failure(NO_CONNECTION), { isLost: true });
}

/**
 * The server has said "yes" to the last request, but not that the photo is safe.
 * @param {string|null} receipt what our server says is safe; null when something else has answered,
 *   such as the sign-in page of a hotel, and calls that a success
 */
export function unconfirmed(receipt) {
  return new Failure(receipt ? CHUNKS_LOST : UNCONFIRMED);
}

/** The gallery is closed for uploads, until a host opens it again. @param {string} sentence */
export function closedForUploads(sentence) {
  return Object.assign(new Failure(sentence), { isTemporary: false });
}

/** @param {XMLHttpRequest} xhr whose answer is no success */
export function failureOf(xhr) {
  if (xhr.status === LOST) return lostConnection();
  const refusal = xhr.getResponseHeader("Dropwall-Refusal");
  const isAboutThePhoto = Boolean(refusal) && !ABOUT_THE_REQUEST.includes(refusal);
  return Object.assign(new Failure(sentenceOf(xhr)), {
    canRetry: !isAboutThePhoto || LATER.includes(xhr.status),
    isTemporary: TEMPORARY.includes(xhr.status),
    retryAfterSeconds: retryAfterOf(xhr),
    isTooLargeOnTheWay: xhr.status === 413 && !refusal,
  });
}

/** In seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(xhr) {
  const text = xhr.getResponseHeader("Retry-After");
  if (!text) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

function sentenceOf(xhr) {
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  const sentence = isText ? xhr.responseText.trim() : "";
  // What the page does by itself, nobody is asked to do.
  if (TEMPORARY.includes(xhr.status) && sentence) return sentence.replace(AGAIN, "");
  if (sentence) return sentence;
  // The answer is not Dropwall's own, but a proxy's page of HTML, say.
  if (TEMPORARY.includes(xhr.status)) return "Busy right now. Your photos are waiting.";
  if (xhr.status >= 500) return "Something went wrong on our side. Try again in a moment.";
  return "This photo was blocked on the way. Try again or ask your host.";
}

/**
 * What can be said before anything is sent; the server's own check comes later. A file without an
 * extension is left to the server; one with another extension is a photo if its content is.
 * @param {import("../page/api.js").Settings} settings
 * @returns {Promise<string|undefined>} undefined when nothing speaks against the file
 */
export async function refusalBeforeSending(file, settings) {
  if (file.size === 0) return "This file is empty. Choose the photo again.";
  if (file.size > settings.max_upload_bytes) {
    return `This photo is too large. The limit is ${formatBytes(settings.max_upload_bytes)}.`;
  }
  const extension = extensionOf(file.name);
  if (!extension || !settings.extensions || settings.extensions.includes(extension)) {
    return undefined;
  }
  const format = FORMATS[await trueExtensionOf(file)];
  if (takenSpellings(format, settings).length > 0) return undefined;
  return `Only photos can be added: ${takenFormats(settings)}.`;
}

/**
 * Whether a file is skipped because it only lies in a folder beside photos: nobody meant to share it.
 * @param {File} file as Dropzone or the picker for folders hands it over
 * @param {import("../page/api.js").Settings} settings
 */
export function isSkipped(file, { extensions }) {
  const isFromFolder = Boolean(file.fullPath || file.webkitRelativePath);
  const ending = /\.([a-z][^\s.]*)$/i.exec(file.name)?.[1].toLowerCase();
  const isOther = Boolean(ending && extensions && !extensions.includes(ending));
  return isFromFolder && (isSystemFile(file) || isOther);
}

/** Whether a system has put the file into the folder. */
export function isSystemFile({ name }) {
  return name.startsWith(".") || SYSTEM_FILES.includes(name.toLowerCase());
}
