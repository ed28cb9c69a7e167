/** The composition of all that shows photos: the grid, what is selected, the lightbox, removal. */

import { fetchGuests, removePhoto, restorePhoto, Unreachable } from "./api.js";
import { formatCount, formatDate } from "./format.js";
import { mountGalleryFilter } from "./gallery-filter.js";
import { loadLibrary } from "./library.js";
import { mountLightbox } from "./lightbox.js";
import { mountNewPhotos } from "./new-photos.js";
import { mountNotice } from "./notice.js";
import { mountPhotoGrid } from "./photo-grid.js";
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
  const guest = { id: null };
  settings.then((known) => Object.assign(guest, known.guest));
  const isOwn = (photo) => photo.by.id !== null && photo.by.id === guest.id;

  showPhotos(gallery, grid);
  offerDownloads(gallery, guest, isOwn);
  const filter = selectPhotos(gallery, guest);
  const lightbox = enlargePhotos(gallery, grid, isOwn);
  removePhotos({ gallery, grid, lightbox, notice, isOwn });
  gridElement.addEventListener("sender-chosen", async ({ detail }) => {
    await lightbox.close();
    filter.choose(detail.id);
  });

  return {
    get isEnlarged() {
      return lightbox.isOpen;
    },

    showAll: () => find(".gallery-filter").reset(),

    /** Opens the photo of an address; says so when it is not there. Whether it is. */
    async enlarge(id) {
      await reached(gallery.refresh());
      while (!gallery.find(id) && (await reached(gallery.loadRest())));
      const photo = await reached(gallery.findPhoto(id));
      if (photo === null) notice.tell("This photo is not here; it may have been removed.");
      if (!photo || !gallery.find(id)) return false;
      await lightbox.open(photo);
      return true;
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
function offerDownloads(gallery, guest, isOwn) {
  const menu = find(".gallery-menu");
  menu.addEventListener("beforetoggle", () => {
    const hasOwn = guest.photos > 0 || gallery.items.some(({ photo }) => photo && isOwn(photo));
    menu.querySelector("[data-download-all]").hidden = gallery.total === 0;
    menu.querySelector("[data-download-mine]").hidden = gallery.total === 0 || !hasOwn;
  });
  menu.addEventListener("click", () => menu.hidePopover());
}

function selectPhotos(gallery, guest) {
  const el = find(".gallery-filter");
  const filter = mountGalleryFilter(el);
  let isOffered = false;

  async function offerSenders() {
    const answer = await reached(fetchGuests());
    if (answer) filter.offer(answer.guests, guest.id);
  }

  el.addEventListener("selection-changed", async ({ detail }) => {
    el.ariaBusy = "true";
    await reached(gallery.select(detail.selection));
    el.ariaBusy = "false";
    window.scrollTo({ top: 0, behavior: "instant" });
  });
  el.addEventListener("senders-wanted", offerSenders);
  gallery.addEventListener("photos-changed", () => {
    filter.update(gallery);
    if (!el.hidden && !isOffered) offerSenders();
    isOffered ||= !el.hidden;
  });
  return { choose: (id) => offerSenders().then(() => filter.choose(id)) };
}

/** PhotoSwipe is loaded when it is needed first. */
function enlargePhotos(gallery, grid, isOwn) {
  const el = find(".photo-grid");
  let lightbox = null;
  let whenClosed = null;

  async function open(photo) {
    try {
      const PhotoSwipe = await loadLibrary("PhotoSwipe");
      const findTile = (id) => grid.reveal(id);
      lightbox ??= mountLightbox(el, { PhotoSwipe, findTile, isOwn });
      lightbox.open(photo.id, gallery.items);
    } catch {
      window.open(photo.url); // in a tab of its own: uploads may be on their way in this one
    }
  }

  el.addEventListener("photo-chosen", (event) => {
    event.preventDefault();
    open(event.detail.photo);
  });
  el.addEventListener("photo-shown", ({ detail }) => grid.reveal(detail.id));
  el.addEventListener("end-near", () => reached(gallery.loadRest()));
  el.addEventListener("lightbox-closed", ({ detail }) => {
    grid.focusPhoto(detail.id);
    whenClosed?.();
  });
  gallery.addEventListener("photos-changed", ({ detail }) =>
    lightbox?.follow(gallery.items, detail.removed),
  );
  gallery.addEventListener("photos-loaded", ({ detail }) => lightbox?.renew(detail.ids));
  return {
    open,
    get isOpen() {
      return Boolean(lightbox?.isOpen);
    },
    close: () =>
      new Promise((resolve) => {
        whenClosed = resolve;
        if (!lightbox?.close()) resolve();
      }),
  };
}

function removePhotos({ gallery, grid, lightbox, notice, isOwn }) {
  const el = find(".notice");
  let next = null; // the photo that came into the place of the one that was removed

  async function act(change, trouble) {
    try {
      await change();
      return true;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      notice.tell(error.isRefusal ? error.message : trouble);
      return false;
    } finally {
      reached(gallery.refresh());
    }
  }

  find(".photo-grid").addEventListener("removal-asked", async ({ detail: { photo } }) => {
    if (!isOwn(photo)) return;
    const trouble = "It could not be removed just now; please try again.";
    const index = gallery.items.findIndex(({ id }) => id === photo.id);
    next = (gallery.items[index + 1] ?? gallery.items[index - 1])?.id;
    if (!(await act(() => removePhoto(photo.id), trouble))) return;
    await lightbox.close();
    notice.offerUndo(photo.id);
  });
  el.addEventListener("undo", async ({ detail: { ids } }) => {
    const trouble = "It could not be undone just now.";
    for (const id of ids) if (!(await act(() => restorePhoto(id), trouble))) return;
    await reached(gallery.refresh());
    grid.focusPhoto(ids.at(-1));
  });
  el.addEventListener("notice-ended", ({ detail }) => detail.hadFocus && grid.focusPhoto(next));
}

/** The answer, or undefined when the server could not be asked: the page goes on without it. */
async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}
