/** Why a photo was not taken, in one sentence for the visitor. */

import { formatBytes } from "./format.js";
import { extensionOf, trueExtensionOf } from "./photo-format.js";

const LOST = 0; // XMLHttpRequest's status without an answer
const TEMPORARY = [LOST, 408, 429, 502, 503, 504];
const ABOUT_THE_REQUEST = ["cut-off", "broken-form", "wrong-chunk"]; // not the photo
const LATER = [401, 500, 507]; // when they have come in again, it is mended, or there is room
const SYSTEM_FILES = ["thumbs.db", "desktop.ini"];

/**
 * What can be said before anything is sent; the server's own check comes later.
 * @param {{max_upload_bytes?: number}} settings
 * @returns {string|undefined}
 */
export function refusalBeforeSending(file, settings) {
  if (file.size === 0) return "This file is empty. Choose the photo again.";
  if (file.size > settings.max_upload_bytes) {
    return `This photo is too large. The limit is ${formatBytes(settings.max_upload_bytes)}.`;
  }
  return undefined;
}

/**
 * Of a name without an extension the server says it; of one with another kind's, the content does.
 * @param {{extensions?: string[]}} settings
 * @returns {Promise<string|undefined>}
 */
export async function refusalOfKind(file, { extensions }) {
  const extension = extensionOf(file.name);
  if (!extension || !extensions || extensions.includes(extension)) return undefined;
  if (await trueExtensionOf(file)) return undefined;
  return "Only photos can be added: JPEG, PNG, GIF, WebP, AVIF or HEIC.";
}

/**
 * What lies in a folder beside its photos; nobody meant to share it.
 * @param {File} file as Dropzone or the picker for folders hands it over
 */
export function isLitter(file, { extensions }) {
  const isFromFolder = Boolean(file.fullPath || file.webkitRelativePath);
  const ending = /\.([a-z][^\s.]*)$/i.exec(file.name)?.[1].toLowerCase();
  const isOther = Boolean(ending && extensions && !extensions.includes(ending));
  return isFromFolder && (isSystemFile(file.name) || isOther);
}

/** Files that systems leave in folders. */
export function isSystemFile(name) {
  return name.startsWith(".") || SYSTEM_FILES.includes(name.toLowerCase());
}

/**
 * What an answer that is no success says.
 * @param {XMLHttpRequest} xhr
 * @returns {Failure}
 * @typedef {object} Failure
 * @property {string} reason
 * @property {boolean} canRetry the same photo may succeed later; what others than our server say
 *   of a photo is never the last word
 * @property {boolean} isTemporary ... and soon: it is worth trying without being asked
 * @property {number|null} retryAfterSeconds when the server says how soon
 * @property {boolean} isTooLargeOnTheWay not for Dropwall, but for a proxy in front of it
 */
export function failureOf(xhr) {
  const refusal = xhr.getResponseHeader("Dropwall-Refusal");
  const isAboutThePhoto = Boolean(refusal) && !ABOUT_THE_REQUEST.includes(refusal);
  return {
    reason: sentenceOf(xhr),
    canRetry: !isAboutThePhoto || LATER.includes(xhr.status),
    isTemporary: TEMPORARY.includes(xhr.status),
    retryAfterSeconds: retryAfterOf(xhr),
    isTooLargeOnTheWay: xhr.status === 413 && !refusal,
  };
}

/** In seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(xhr) {
  const text = xhr.getResponseHeader("Retry-After");
  if (!text) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

function sentenceOf(xhr) {
  if (xhr.status === LOST) return NO_CONNECTION;
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  const sentence = isText ? xhr.responseText.trim() : "";
  return sentence || sentenceOfOthers(xhr.status);
}

/** For answers that are not Dropwall's own, such as a proxy's page of HTML. */
function sentenceOfOthers(status) {
  if (TEMPORARY.includes(status)) return "The server is busy; your photos wait here.";
  if (status >= 500) return "Something went wrong on our side. Try again in a moment.";
  return "Something in front of the gallery refuses this photo; retry it, or tell your host.";
}

/** Said when the server has less of a photo than was sent: another tab gave it up, say. */
export const CHUNKS_LOST = "Some of a photo got lost on the way; it is sent again.";

/** Said when no answer came. */
export const NO_CONNECTION = "No connection. Your photos wait here.";

/** Said when a hotel's sign-in page answers, say, and calls that a success. */
export const UNCONFIRMED = "Something else answers for the gallery: sign in to this network first.";

/** Said when the file on the visitor's device can no longer be read. */
export const FILE_VANISHED =
  "This file was moved or changed on your device; please choose it again.";
