/** The composition of all that shows photos: the grid, what is selected, the lightbox. */

import { fetchGuests } from "./api.js";
import { enlargePhotos } from "./enlarging.js";
import { formatCount, formatDate } from "./format.js";
import { mountGalleryFilter } from "./gallery-filter.js";
import { mountNewPhotos } from "./new-photos.js";
import { mountNotice } from "./notice.js";
import { askPatiently, reached } from "./patience.js";
import { mountPhotoGrid } from "./photo-grid.js";
import { removePhotos } from "./removing.js";
import { mountScrubber } from "./scrubber.js";

const find = (selector) => document.querySelector(selector);

/**
 * @param {import("./gallery.js").Gallery} gallery
 * @param {Promise<object>} settings of the server
 */
export function showGallery(gallery, settings) {
  const gridElement = find(".photo-grid");
  const grid = mountPhotoGrid(gridElement);
  const notice = mountNotice(find(".notice"));
  const guest = { id: null, photos: 0 };
  settings.then((known) => Object.assign(guest, known.guest));
  const isOwn = (photo) => photo !== null && photo.by.id !== null && photo.by.id === guest.id;
  const countOwn = (count) => (guest.photos = Math.max(0, guest.photos + count));
  const hasOwn = () => {
    // Another tab may have sent them.
    if (guest.photos === 0) countOwn(gallery.items.filter(({ photo }) => isOwn(photo)).length);
    return guest.photos > 0;
  };

  showPhotos(gallery, grid);
  offerDownloads(gallery, hasOwn);
  const filter = selectPhotos(gallery, () => (hasOwn() ? guest.id : null));
  const lightbox = enlargePhotos(gallery, grid, isOwn);
  const onRemoved = (count) => countOwn(-count);
  removePhotos({ gallery, grid, lightbox, notice, isOwn, onRemoved });
  gridElement.addEventListener("sender-chosen", async ({ detail }) => {
    await lightbox.close();
    filter.choose(detail.id);
  });

  return {
    get isEnlarged() {
      return lightbox.isOpen;
    },

    showAll: () => filter.showAll(),

    /** The visitor's own photo is in the gallery. */
    countSent: () => countOwn(1),

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
      else notice.tell("This photo is not here; it may have been removed.");
      return photo !== null;
    },
  };
}

function showPhotos(gallery, grid) {
  const gridElement = find(".photo-grid");
  const more = find(".photo-grid-more");
  const scrubber = mountScrubber(find(".scrubber"), () => {
    const item = grid.firstInView;
    return item ? formatDate(item.moment * 1000) : "";
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
function offerDownloads(gallery, hasOwn) {
  const menu = find(".gallery-menu");
  menu.addEventListener("beforetoggle", () => {
    menu.querySelector("[data-download-all]").hidden = gallery.total === 0;
    menu.querySelector("[data-download-mine]").hidden = gallery.total === 0 || !hasOwn();
  });
  menu.addEventListener("click", () => menu.hidePopover());
}

/** @param {() => string|null} ownId of the guest who has photos here */
function selectPhotos(gallery, ownId) {
  const el = find(".gallery-filter");
  const filter = mountGalleryFilter(el);
  let offeredId; // undefined before there was anything to offer
  let chosen = null;

  async function offerSenders() {
    const answer = await reached(fetchGuests());
    if (answer) filter.offer(answer.guests, ownId());
  }

  async function select({ detail: { selection } }) {
    chosen = selection;
    el.ariaBusy = "true";
    window.scrollTo({ top: 0, behavior: "instant" });
    let ask = () => gallery.select(selection);
    await askPatiently(
      () => {
        const answer = ask();
        ask = () => gallery.refresh(); // unless live.js has read it by then
        return answer;
      },
      () => chosen === selection,
    );
    if (chosen === selection) el.ariaBusy = "false";
  }

  el.addEventListener("selection-changed", select);
  el.addEventListener("senders-wanted", offerSenders);
  gallery.addEventListener("photos-changed", () => {
    filter.update(gallery);
    if (el.hidden || offeredId === ownId()) return;
    offeredId = ownId();
    offerSenders();
  });
  return {
    choose: (id) => offerSenders().then(() => filter.choose(id)),
    showAll() {
      el.reset();
      return select({ detail: { selection: { ...gallery.selection, by: "", words: "" } } });
    },
  };
}
