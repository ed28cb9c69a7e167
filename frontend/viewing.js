/** The composition of all that shows photos: the grid, what is selected, the lightbox. */

import { mountAccountMenu } from "./account-menu.js";
import { changePhotos } from "./changing.js";
import { enlargePhotos } from "./enlarging.js";
import { formatCount, formatDate, formatWallDate } from "./format.js";
import { moderate } from "./moderating.js";
import { mountNewPhotos } from "./new-photos.js";
import { mountNotice } from "./notice.js";
import { askPatiently, reached } from "./patience.js";
import { mountPhotoGrid } from "./photo-grid.js";
import { removePhotos } from "./removing.js";
import { mountScrubber } from "./scrubber.js";
import { selectPhotos } from "./selecting.js";
import { Viewer } from "./viewer.js";
import { withdrawPictures } from "./withdrawing.js";

const find = (selector) => document.querySelector(selector);

/**
 * @param {import("./gallery.js").Gallery} gallery
 * @param {Promise<object>} settings of the server
 */
export function showGallery(gallery, settings) {
  const gridElement = find(".photo-grid");
  const grid = mountPhotoGrid(gridElement, find(".page-header"));
  const notice = mountNotice(find(".notice"));
  const viewer = new Viewer(gallery, settings);

  showPhotos(gallery, grid);
  offerDownloads(gallery, viewer);
  mountAccountMenu(find(".account-menu"), settings, notice.tell);
  const filter = selectPhotos(gallery, viewer);
  const lightbox = enlargePhotos(gallery, grid, viewer);
  removePhotos({ gallery, grid, lightbox, notice, viewer });
  const act = changePhotos({ gallery, viewer, lightbox, notice });
  moderate({ gallery, settings, viewer, filter, notice, act });
  withdrawPictures(gallery);
  gridElement.addEventListener("sender-chosen", async ({ detail }) => {
    await lightbox.close();
    filter.choose(detail.id);
  });

  return {
    get isEnlarged() {
      return lightbox.isOpen;
    },

    showAll: () => filter.showAll(),

    /** In one line, for a few seconds. */
    tell: notice.tell,

    /** The visitor's own photo is in the gallery. */
    countSent: () => viewer.count(1),

    /**
     * Opens the photo of an address; says so when it is not there.
     * @param {string} id
     * @param {() => boolean} isWanted whether the visitor is still at that address
     * @returns {Promise<boolean>} whether it is there
     */
    async enlarge(id, isWanted) {
      let photo = await askPatiently(() => gallery.findPhoto(id), isWanted);
      if (photo && gallery.isFiltered && !gallery.find(id)) await filter.showAll();
      if (photo) await askPatiently(() => gallery.refresh(), isWanted);
      const goOn = () => photo && isWanted() && !gallery.find(id);
      while (goOn() && (await askPatiently(() => gallery.loadRest(), isWanted)));
      if (!isWanted()) return true;
      if (!gallery.find(id)) photo = null; // it was removed meanwhile
      if (photo) await lightbox.open(photo);
      else notice.tell("This photo was removed or isn't shared with you.");
      return photo !== null;
    },
  };
}

function showPhotos(gallery, grid) {
  const gridElement = find(".photo-grid");
  const more = find(".photo-grid-more");
  const scrubber = mountScrubber(find(".scrubber"), () => {
    const item = grid.firstInView;
    const format = gallery.selection.sort === "taken" ? formatWallDate : formatDate;
    return item ? format(item.moment * 1000) : "";
  });
  const newPhotos = mountNewPhotos(find(".new-photos"), (id) => grid.isAboveView(id));
  const nearEnd = new IntersectionObserver(([entry]) => entry.isIntersecting && loadRest(), {
    rootMargin: "1500px",
  });

  async function loadRest() {
    gridElement.ariaBusy = "true";
    await reached(gallery.loadRest());
    gridElement.ariaBusy = "false";
  }

  gallery.addEventListener("photos-changed", ({ detail: { arrived } }) => {
    document.body.dataset.gallery = gallery.total > 0 ? "filled" : "empty";
    find("[data-open-menu]").hidden = false;
    find(".photo-count").textContent = formatCount(gallery.total, "photo");
    grid.show(gallery.items, arrived);
    newPhotos.add(arrived);
    scrubber.update();
    gridElement.ariaBusy = "false";
    more.hidden = !gallery.hasMore;
    nearEnd.unobserve(more); // observed anew, it tells again that the end is still near
    nearEnd.observe(more);
  });
  gallery.addEventListener("photos-loaded", ({ detail }) => grid.update(detail.ids));
  gridElement.addEventListener("photos-wanted", ({ detail }) => reached(gallery.load(detail.ids)));
  more.addEventListener("click", loadRest);
  find(".new-photos").addEventListener("newest-wanted", ({ detail }) => grid.focusPhoto(detail.id));
}

/** Of what there is, when the menu is opened. */
function offerDownloads(gallery, viewer) {
  const menu = find(".gallery-menu");
  menu.addEventListener("beforetoggle", () => {
    menu.querySelector("[data-download-all]").hidden = gallery.total === 0;
    menu.querySelector("[data-download-mine]").hidden = gallery.total === 0 || !viewer.hasPhotos;
  });
  menu.addEventListener("click", () => menu.hidePopover());
}
