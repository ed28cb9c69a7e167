/** What the page shows, as its address says: the slideshow, a photo, or else the gallery; and how it
 * gives way to another page. */

import { tabMemory } from "./memory.js";

const RELOAD_AGAIN_MS = 60_000;
const [SHORTEST_SECONDS, LONGEST_SECONDS] = [3, 120]; // of a photo in the slideshow

/** Earlier versions had it behind a `#`. */
export function isAtSlideshow() {
  return location.pathname === "/slideshow" || location.hash === "#wall";
}

/** The slideshow's settings in the address, such as `?seconds=12&by=<guest id>&qr=no`. A value that it
 * does not know is ignored; too short or too long a time is the next one that it allows. */
export function slideshowSettings() {
  const query = new URLSearchParams(location.search);
  const given = (name, pattern) => pattern.exec(query.get(name) ?? "")?.[0];
  const seconds = given("seconds", /^\d{1,9}$/);
  return {
    seconds: seconds && Math.min(LONGEST_SECONDS, Math.max(SHORTEST_SECONDS, Number(seconds))),
    by: given("by", /^[0-9a-f]{32}$/) ?? "", // a guest's id; empty is everybody
    hasCode: query.get("qr") !== "no",
  };
}

/** The slideshow's address, where a reload shows it without the page; or the former one, where a
 * reload opens the page, which can say what is wrong. */
export function showSlideshowAddress(isOpen = true) {
  history.replaceState(null, "", isOpen ? `/slideshow${location.search}` : "/#wall");
}

/** Earlier versions had the photo behind a `#`. */
export function isAtPhoto() {
  return location.pathname.startsWith("/photo/") || location.hash.startsWith("#photo/");
}

/** Calls `show` now and whenever the visitor goes to another address. */
export function followAddress(show) {
  window.addEventListener("popstate", show);
  show();
}

/** The gallery's own address takes the place of the one that the visitor came with. */
export function forgetAddress() {
  history.replaceState(null, "", "/");
}

/**
 * Reloads the page, once a minute at most for the same reason: a reload that helps nothing would be
 * repeated for ever.
 * @param {string} reason as this tab remembers it
 * @returns {boolean} whether the page is being reloaded
 */
export function reloadOnce(reason) {
  if (Date.now() - Number(tabMemory.read(reason)) < RELOAD_AGAIN_MS) return false;
  if (!tabMemory.write(reason, String(Date.now()))) return false;
  location.reload();
  return true;
}

/** Opens the original in a tab of its own: uploads may be on their way in this one. Browsers block a
 * tab that is opened long after the tap. */
export function showOriginal({ url }) {
  if (!window.open(url)) location.assign(url);
}
