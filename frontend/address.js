/** What the page shows, as its address says: `#wall`, `#photo/<id>`, or else the gallery. */

const WALL = "#wall";
const PHOTO = /^#photo\/([0-9a-f]{32})$/;

/** @returns {{isWall: boolean, photoId: string|undefined}} */
export function readAddress() {
  return { isWall: location.hash === WALL, photoId: PHOTO.exec(location.hash)?.[1] };
}

export function photoAddress(id) {
  return `#photo/${id}`;
}

/** Shows a photo's address, and keeps the gallery's below it to go back to. */
export function enterPhoto(id) {
  if (isOverGallery()) turnToPhoto(id);
  else history.pushState({ isOverGallery: true }, "", photoAddress(id));
}

export function turnToPhoto(id) {
  history.replaceState({ isOverGallery: true }, "", photoAddress(id));
}

/** Whether going back leads from a photo to the gallery; so it is after a reload, too. */
export function isOverGallery() {
  return Boolean(history.state?.isOverGallery);
}

/** Calls `show` now and whenever the visitor goes to another address. */
export function followAddress(show) {
  window.addEventListener("popstate", show);
  show();
}

/** The gallery's own address takes the place of the one that the visitor came with. */
export function forgetAddress() {
  history.replaceState(null, "", location.pathname);
}
