/** Why a photo was not taken, in one sentence for the visitor. */

import { formatBytes } from "./format.js";

const RETRYABLE_4XX = [408, 429];
const SYSTEM_FILES = ["thumbs.db", "desktop.ini"];

/**
 * What can be said before anything is sent; the server's own check comes later.
 * @param {{max_upload_bytes?: number, extensions?: string[]}} settings
 * @returns {string|undefined}
 */
export function refusalBeforeSending(file, settings) {
  if (!isPhotoName(file.name, settings)) {
    return "Files of this type are not taken; please send JPEG, PNG, GIF, WebP, AVIF or HEIC.";
  }
  if (file.size === 0) return "This file is empty; please choose the photo again.";
  if (file.size > settings.max_upload_bytes) {
    return `This photo is too large; the limit is ${formatBytes(settings.max_upload_bytes)}.`;
  }
  return undefined;
}

/** A name without an extension says nothing wrong: the server looks at the content. */
export function isPhotoName(name, { extensions }) {
  const extension = /\.([^\s.]+)$/.exec(name)?.[1].toLowerCase();
  return !extension || !extensions || extensions.includes(extension);
}

/** Files that systems leave in folders; nobody meant to share them. */
export function isSystemFile(name) {
  return name.startsWith(".") || SYSTEM_FILES.includes(name.toLowerCase());
}

/**
 * What an answer that is no success says.
 * @param {XMLHttpRequest} xhr
 * @returns {{reason: string, canRetry: boolean}} `canRetry` when the same photo may succeed later
 */
export function failureOf(xhr) {
  const canRetry = xhr.status === 0 || xhr.status >= 500 || RETRYABLE_4XX.includes(xhr.status);
  return { reason: sentenceOf(xhr), canRetry };
}

function sentenceOf(xhr) {
  if (xhr.status === 0) {
    return "The connection was lost before this photo arrived. Retry when you are back online.";
  }
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  const sentence = isText ? xhr.responseText.trim() : "";
  return sentence || sentenceOfOthers(xhr.status);
}

/** For answers that are not Dropwall's own, such as a proxy's page of HTML. */
function sentenceOfOthers(status) {
  if (status === 413) return "This photo is too large for the server; please send a smaller one.";
  if ([429, 502, 503, 504].includes(status))
    return "The server is busy; please try again in a moment.";
  if (status >= 500) return "Something went wrong on our side; please try again in a moment.";
  return "The server did not take this photo.";
}

/** Said when the file on the visitor's device can no longer be read. */
export const FILE_VANISHED =
  "This file was moved or changed on your device; please choose it again.";
