/** The composition of the page: what shows photos and what takes them in, joined by the gallery. */

import { followAddress, forgetAddress, isOverGallery, readAddress } from "./address.js";
import { mountAnnouncer } from "./announcer.js";
import { fetchSettings, Unreachable } from "./api.js";
import { isForEveryone } from "./audience.js";
import { Gallery } from "./gallery.js";
import { keepFresh } from "./live.js";
import { askForNames } from "./naming.js";
import { takeUploads } from "./uploads.js";
import { showGallery } from "./viewing.js";
import { followVisitor } from "./visitor.js";
import { mountWall } from "./wall.js";

const find = (selector) => document.querySelector(selector);
const gallery = new Gallery();
let visits = 0; // of addresses
const announcer = mountAnnouncer(find(".announcer"));
const settings = readSettings();
const view = showGallery(gallery, settings);
const wall = mountWall(find(".wall"), gallery);

gallery.addEventListener("photos-changed", ({ detail }) =>
  showOnWall(detail.arrived.union(detail.changed)),
);
gallery.addEventListener("photos-loaded", () => wall.isOpen && showOnWall());
find(".visibility-switch").addEventListener("visibility-chosen", ({ detail }) => {
  if (gallery.total > 0) view.tell(detail.meaning); // the empty gallery has a line for it
});
find(".wall").addEventListener("wall-left", () => {
  forgetAddress();
  follow();
});
askForNames(settings);
const queue = takeUploads(announcer, settings, () => {
  view.countSent();
  gallery.refresh().catch(() => {}); // live.js keeps trying
});
followVisitor(settings, queue);
keepFresh(gallery, (isUnreachable) => (find(".unreachable").hidden = !isUnreachable));
followAddress(follow);

function follow() {
  visits += 1;
  const { isWall, photoId } = readAddress();
  if (isWall) {
    if (gallery.isFiltered) view.showAll();
    showOnWall();
    wall.open();
  } else wall.close();
  if (photoId && !view.isEnlarged) enlarge(photoId);
}

/** Everybody sees the wall: what not everyone may see is not on it, whoever has opened it. Of what
 * is not known yet this is found out when its turn comes. */
function showOnWall(news = new Set()) {
  const items = gallery.items.filter(({ photo }) => photo === null || isForEveryone(photo));
  wall.update(items, news);
}

async function enlarge(photoId) {
  // Below the photo's address is the gallery's, to go back to; by a link there is none yet.
  if (!isOverGallery()) forgetAddress();
  const visit = visits;
  if (!(await view.enlarge(photoId, () => visit === visits))) forgetAddress();
}

/** The page goes on without them where they cannot be had. */
async function readSettings() {
  try {
    return await fetchSettings();
  } catch (error) {
    if (error instanceof Unreachable) return {};
    throw error;
  }
}
