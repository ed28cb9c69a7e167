/** One photo on the wall: a link to the original with its thumbnail in it. */

import { markOf } from "./audience.js";
import { loadImageAgain } from "./loading-again.js";

const TILE_WIDTHS = [320, 640];
const FADE_MS = 300; // as in photo-tile's transition, with a margin

/**
 * @param {import("./places.js").Item} item
 * @returns {HTMLLIElement} a tile, empty as long as the photo is not known
 */
export function createPhotoTile(item) {
  const template = document.getElementById("photo-tile");
  const tile = template.content.firstElementChild.cloneNode(true);
  tile.dataset.id = item.id;
  const link = tile.querySelector("a");
  link.tabIndex = -1;
  link.draggable = false; // a tile dropped on the page would be uploaded again
  if (item.photo) fillPhotoTile(tile, item.photo);
  return tile;
}

/** Shows a photo as `GET /api/photos` describes it; the picture never changes, who sees it may. */
export function fillPhotoTile(tile, photo) {
  const link = tile.querySelector("a");
  fillBadge(tile.querySelector("[data-mark]"), markOf(photo));
  if (link.href) return;
  link.href = photo.url;
  link.style.backgroundImage = `url("${photo.placeholder}")`;
  fillImage(link.querySelector("img"), photo);
  const format = photo.url.split(".").pop().toUpperCase();
  fillBadge(tile.querySelector("[data-format]"), photo.animated ? format : "");
}

/** Puts a tile at its place; `box` in px within the wall. */
export function placePhotoTile(tile, box) {
  tile.style.translate = `${box.left}px ${box.top}px`;
  tile.style.width = `${box.width}px`;
  tile.style.height = `${box.height}px`;
  const image = tile.querySelector("img");
  if (!image.srcset) return;
  const coveringWidth = Math.max(box.width, (box.height * image.width) / image.height);
  const sizes = `${Math.ceil(coveringWidth)}px`;
  if (image.sizes !== sizes) image.sizes = sizes;
}

function fillImage(image, photo) {
  image.addEventListener("load", () => showImage(image), { once: true });
  image.alt = photo.name;
  image.setAttribute("width", photo.width);
  image.setAttribute("height", photo.height);
  image.draggable = false;
  // Not the large one, which is made when it is first asked for: for the lightbox.
  image.srcset = TILE_WIDTHS.map((width) => `${photo.thumbnails[width]} ${width}w`).join(", ");
  loadImageAgain(image);
}

function showImage(image) {
  image.dataset.loaded = "";
  // The placeholder would shine through the transparent parts of a picture.
  setTimeout(() => (image.parentElement.style.backgroundImage = ""), FADE_MS);
}

function fillBadge(badge, words) {
  badge.hidden = words === "";
  badge.textContent = words;
}
