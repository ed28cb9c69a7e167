/** The server, as functions: the only place that fetches. */

const PATIENCE_MS = 30_000; // a network that was lost in silence would answer never
const RELOADED_AS = "dropwall-passcode-wanted";
const RELOAD_AGAIN_MS = 60_000;

/** The server could not be reached, or it answered with a refusal. */
export class Unreachable extends Error {
  /** @param {string} refusal its code, when our server has answered that it will not (4xx) */
  constructor(message, { refusal = "", ...options } = {}) {
    super(message, options);
    this.refusal = refusal;
    this.isRefusal = refusal !== "";
  }
}

/** Whatever answers that is not our server, such as a network that wants its guests to sign in, is
 * not `read`. */
async function ask(path, options, read) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return await read(response);
  } catch (error) {
    throw new Unreachable(`${path} could not be reached.`, { cause: error });
  }
  const refusal = response.status < 500 ? (response.headers.get("Dropwall-Refusal") ?? "") : "";
  if (refusal === "passcode-wanted") askForPasscode();
  const message = refusal ? await response.text() : `${path} answered ${response.status}.`;
  throw new Unreachable(message, { refusal });
}

/** The server shows its own page for it in the place of this one; to a browser without cookies it
 * may not, and one try is enough then. */
function askForPasscode() {
  try {
    const last = Number(sessionStorage.getItem(RELOADED_AS));
    if (Date.now() - last < RELOAD_AGAIN_MS) return;
    sessionStorage.setItem(RELOADED_AS, Date.now());
  } catch {
    return;
  }
  location.reload();
}

function getJson(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  // Revalidated each time: the browser keeps the ETag and answers a 304 from its own store.
  return ask(query.size ? `${path}?${query}` : path, { cache: "no-cache" }, (response) =>
    response.json(),
  );
}

function send(method, path, content) {
  const json = { "Content-Type": "application/json" };
  const options = content ? { method, headers: json, body: JSON.stringify(content) } : { method };
  return ask(path, options, expectNothing);
}

function expectNothing({ url, status }) {
  if (status !== 204) throw new Error(`${url} answered ${status}.`);
}

/**
 * A page of photos, newest first; of the gallery, or of a selection.
 * @param {{limit?: number, before?: number, ids?: string, sort?: string, by?: string, q?: string,
 *   only?: string}} page
 * @returns {Promise<{photos: object[], next: number|null, total: number, version: number}>}
 */
export function fetchPhotos(page) {
  return getJson("/api/photos", page);
}

/**
 * As `fetchPhotos`, each photo as [id, width to height, seconds since 1970]: up to 50,000 of them.
 */
export function fetchOutline(page) {
  return getJson("/api/outline", page);
}

/** @returns {Promise<{guests: {id: string, name: string, photos: number}[]}>} */
export function fetchGuests() {
  return getJson("/api/guests");
}

/** An empty name takes it back. */
export function nameGuest(name) {
  return send("PUT", "/api/guest", { name });
}

/** @param {HTMLFormElement} form */
export function sendForm(form) {
  const body = new URLSearchParams(new FormData(form));
  return ask(form.action, { method: "POST", body }, expectNothing);
}

/** @param {"everyone"|"owner"} visibility */
export function changeVisibility(id, visibility) {
  return send("PATCH", `/api/photos/${id}`, { visibility });
}

/** A host's word on some photos. @param {"shown"|"hidden"} standing */
export function judgePhotos(ids, standing) {
  return send("PATCH", `/api/photos?${new URLSearchParams({ ids: ids.join(",") })}`, { standing });
}

export function judgeGuestPhotos(guestId, standing) {
  return send("PATCH", `/api/guests/${guestId}/photos`, { standing });
}

export function removeGuestPhotos(guestId) {
  return send("DELETE", `/api/guests/${guestId}/photos`);
}

/** @returns {Promise<object>} what a host sees at a glance */
export function fetchHostOverview() {
  return getJson("/api/host");
}

export function signOut() {
  return send("POST", "/sign-out");
}

export function removePhoto(id) {
  return send("DELETE", `/api/photos/${id}`);
}

/** Undoes removals, for a minute after them. */
export function restorePhotos(ids) {
  return send("POST", "/api/photos/restore", { ids });
}

/**
 * What came and went after a version.
 * @returns {Promise<Changes>}
 * @typedef {{photos: object[], removed: string[], guests: {id: string, name: string|null}[],
 *   total: number, version: number, reset: boolean, more: boolean}} Changes with `more`, what has
 *   happened after `version` comes next
 */
export function fetchChanges(version) {
  return getJson("/api/photos", { since: version });
}

/**
 * What has arrived of an upload; null when the server says that nothing has, or that it was
 * refused. Rejects with Unreachable when the server says nothing.
 * @returns {Promise<{received: number[], total: number, safe: boolean}|null>}
 */
export async function fetchUpload(uuid) {
  try {
    return await getJson(`/api/uploads/${uuid}`);
  } catch (error) {
    if (error.isRefusal) return null;
    throw error;
  }
}

/** What has arrived of an upload is not needed any more; if this gets lost, it is swept one day. */
export function discardUpload(uuid) {
  fetch(`/api/uploads/${uuid}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

/** The same as it happens: `message` events whose data is Changes, and `heartbeat` events. */
export function openLive(version) {
  return new EventSource(`/api/live?since=${version}`);
}

/** What the browser's cache has of this address is replaced by what the server says of it now. Who
 * reads the browser's console sees by the fragment that a 404 is no trouble. */
export async function renewInCache(address) {
  try {
    const answer = await fetch(`${address}#withdrawn`, { cache: "reload", priority: "low" });
    await answer.arrayBuffer(); // else the request goes on
  } catch {
    // The network is lost; with the request the cache has forgotten it already.
  }
}

/** @returns {Promise<{max_upload_bytes: number, chunk_bytes: number, extensions: string[]}>} */
export function fetchSettings() {
  return getJson("/api/settings");
}
