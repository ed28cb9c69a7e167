/** The server, as functions: the only place that fetches. */

import { reloadOnce } from "./address.js";

const PATIENCE_MS = 30_000; // a network that was lost in silence would never answer
const PATIENCE_FOR_FILE_MS = 300_000;

/** A request that has failed, in one of two ways. */
export class RequestError extends Error {}

/** Our server did not answer: no network, another server in its place, or an error of its own (5xx).
 * The same request may succeed later. */
export class Unreachable extends RequestError {}

/** Our server said no (4xx). The message is its sentence for the visitor; asking again won't help. */
export class Refused extends RequestError {
  /** @param {string} code as in `Dropwall-Refusal` */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * Rejects with Unreachable or Refused. What something else answers, such as a network that wants its
 * guests to sign in, cannot be `read` or has no code, and counts as no answer.
 */
async function ask(path, options, read, patienceMs = PATIENCE_MS) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  let response, sentence;
  try {
    response = await fetch(path, { ...options, signal: patience.signal });
    if (response.ok) return await read(response);
    sentence = await response.text();
  } catch (error) {
    throw new Unreachable(`${path} could not be reached.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const code = response.status < 500 && response.headers.get("Dropwall-Refusal");
  if (!code) throw new Unreachable(`${path} answered ${response.status}.`);
  // The server shows its form for the passcode instead. A browser without cookies comes back here.
  if (code === "passcode-wanted") reloadOnce("dropwall-passcode-wanted");
  throw new Refused(sentence, code);
}

function getJson(path, parameters = {}) {
  const query = String(new URLSearchParams(parameters));
  // Revalidated each time: the browser keeps the ETag and answers a 304 from its own store.
  return ask(query ? `${path}?${query}` : path, { cache: "no-cache" }, (response) =>
    response.json(),
  );
}

function send(method, path, content) {
  return ask(path, content ? sending(method, content) : { method }, expectNothing);
}

function sending(method, content) {
  const headers = { "Content-Type": "application/json" };
  return { method, headers, body: JSON.stringify(content) };
}

function expectNothing({ url, status }) {
  if (status !== 204) throw new Error(`${url} answered ${status}.`);
}

/**
 * @typedef {object} Photo
 * @property {string} id
 * @property {string} name
 * @property {string} url of the original
 * @property {Record<number, string>} thumbnails by their width
 * @property {number} width px, as displayed
 * @property {number} height
 * @property {number} bytes
 * @property {string|null} taken ISO 8601 without a zone
 * @property {string} uploaded ISO 8601, UTC
 * @property {string} placeholder a data address
 * @property {boolean} animated
 * @property {{id: string|null, name: string|null}} by its guest
 * @property {"everyone"|"owner"} visibility
 * @property {"shown"|"pending"|"hidden"} standing its moderation state
 * @property {number} version of the gallery that it came with
 *
 * @typedef {{name: string, is_host: boolean}} Account
 *
 * @typedef {object} Settings empty when the server could not be reached
 * @property {number} [max_upload_bytes]
 * @property {number} [chunk_bytes]
 * @property {string[]} [extensions] of photos, without a dot
 * @property {"everyone"|"own"|"approval"} [mode] who sees what guests add
 * @property {{id: string, name: string|null, photos: number}|null} [guest] who this visitor is
 * @property {Account|null} [account] that is signed in
 * @property {string|null} [address] to invite others to
 * @property {string} [title] of the event
 * @property {string} [welcome] a line of the host's, which may be empty
 * @property {string|null} [closed] until when photos were collected, in a sentence; null while they are
 *
 * @typedef {object} Changes what came and went after a version
 * @property {Photo[]} photos that are new or have changed, newest first
 * @property {string[]} removed ids
 * @property {{id: string, name: string|null}[]} guests that have another name
 * @property {number} total photos in the gallery
 * @property {string|null} closed as in the settings
 * @property {number} version up to which this tells
 * @property {boolean} reset too much has changed to be listed: load the list anew
 * @property {boolean} more what happened after `version` comes with the next request
 */

/** @returns {Promise<Settings>} */
export const fetchSettings = () => getJson("/api/settings");

/**
 * A page of photos, newest first unless asked otherwise; of the gallery, or of a selection. `end` is
 * the time of the last photo of all pages, on the first of them.
 * @param {{limit?: number, before?: number, ids?: string, sort?: string, order?: string,
 *   by?: string, q?: string, only?: string}} page
 * @returns {Promise<{photos: Photo[], next: number|null, total: number, version: number,
 *   end: string|null, closed: string|null}>}
 */
export const fetchPhotos = (page) => getJson("/api/photos", page);

/** As `fetchPhotos`, up to 50,000 photos, each as [id, width to height, seconds since 1970]. */
export const fetchOutline = (page) => getJson("/api/outline", page);

/** @returns {Promise<Changes>} */
export const fetchChanges = (version) => getJson("/api/photos", { since: version });

/** The same as it happens: `message` events whose data is Changes, and `heartbeat` events. */
export const openLive = (version) => new EventSource(`/api/live?since=${version}`);

/** @returns {Promise<Blob>} the file of a photo, as it was sent */
export const fetchOriginal = (photo) =>
  ask(photo.url, {}, (response) => response.blob(), PATIENCE_FOR_FILE_MS);

/** Keeps ids for an hour: more than fit into an address. @returns {Promise<{id: string}>} */
export const keepSelection = (ids) =>
  ask("/api/selections", sending("POST", { ids }), (response) => response.json());

export const removePhoto = (id) => send("DELETE", `/api/photos/${id}`);

/** Undoes removals, for a minute after them. */
export const restorePhotos = (ids) => send("POST", "/api/photos/restore", { ids });

/** @param {"everyone"|"owner"} visibility */
export const changeVisibility = (id, visibility) =>
  send("PATCH", `/api/photos/${id}`, { visibility });

/**
 * Changes the moderation state of those of these photos that have the state `from`, as a host. The same
 * with both states exchanged undoes it.
 * @returns {Promise<{changed: string[]}>} their ids
 */
export const moderatePhotos = (ids, from, to) =>
  ask("/api/photos/moderate", sending("POST", { ids, from, to }), (response) => response.json());

export const removeGuestPhotos = (guestId) => send("DELETE", `/api/guests/${guestId}/photos`);

/** Closes the gallery for uploads, as a host. @param {string} [since] ISO 8601, UTC; without it, now */
export const closeForUploads = (since) =>
  send("POST", since ? `/host/close?since=${since}` : "/host/close");

export const reopenForUploads = () => send("POST", "/host/open");

/** What a host sees at a glance. */
export const fetchHostOverview = () => getJson("/api/host");

/** @returns {Promise<{guests: {id: string, name: string, photos: number}[]}>} those with a name */
export const fetchGuests = () => getJson("/api/guests");

/** An empty name takes it back. */
export const nameGuest = (name) => send("PUT", "/api/guest", { name });

export const signOut = () => send("POST", "/sign-out");

/** @param {HTMLFormElement} form */
export function sendForm(form) {
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  return ask(form.action, { method: "POST", body }, expectNothing);
}

/**
 * What has arrived of an upload; null when the server says that nothing has, or that it was refused.
 * @returns {Promise<{received: number[], total: number, safe: boolean}|null>}
 */
export async function fetchUpload(uuid) {
  try {
    return await getJson(`/api/uploads/${uuid}`);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** Frees what has arrived of an upload that nobody will finish; if this gets lost, it is swept one day. */
export function discardUpload(uuid) {
  fetch(`/api/uploads/${uuid}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

/** Replaces what the browser's cache has of an address by the server's present answer. The fragment
 * tells readers of the console that a 404 is expected. */
export async function renewInCache(address) {
  try {
    const answer = await fetch(`${address}#withdrawn`, { cache: "reload", priority: "low" });
    await answer.arrayBuffer(); // else the request goes on
  } catch {
    // No network: the request alone has emptied the cache.
  }
}
