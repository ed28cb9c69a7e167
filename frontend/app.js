/** The composition of the page: components are mounted here (those of the uploads in uploads.js),
 * and their events are joined. */

import { mountAnnouncer } from "./announcer.js";
import { Unreachable } from "./api.js";
import { formatCount } from "./format.js";
import { Gallery } from "./gallery.js";
import { loadLibrary } from "./library.js";
import { mountLightbox } from "./lightbox.js";
import { keepFresh } from "./live.js";
import { mountPhotoGrid } from "./photo-grid.js";
import { takeUploads } from "./uploads.js";

const find = (selector) => document.querySelector(selector);
const gallery = new Gallery();
const announcer = mountAnnouncer(find(".announcer"));
const gridElement = find(".photo-grid");
const grid = mountPhotoGrid(gridElement);

showPhotos();
enlargePhotos();
takeUploads(announcer, () => reached(gallery.refresh()));
keepFresh(
  () => gallery.refresh(),
  (isUnreachable) => (find(".unreachable").hidden = !isUnreachable),
);

function showPhotos() {
  const more = find(".photo-grid-more");
  const nearEnd = new IntersectionObserver(([entry]) => entry.isIntersecting && loadMore(), {
    rootMargin: "1500px",
  });
  gallery.addEventListener("photos-changed", ({ detail: { arrived } }) => {
    document.body.dataset.gallery = gallery.total > 0 ? "filled" : "empty";
    find(".photo-count").textContent = formatCount(gallery.total, "photo");
    grid.show(gallery.photos, arrived);
    gridElement.ariaBusy = "false";
    more.hidden = !gallery.hasMore;
    nearEnd.unobserve(more); // observed anew, it tells again that the end is still near
    nearEnd.observe(more);
  });
  more.addEventListener("click", loadMore);
}

async function loadMore() {
  gridElement.ariaBusy = "true";
  await reached(gallery.loadMore());
  gridElement.ariaBusy = "false";
}

function enlargePhotos() {
  let lightbox = null;
  const loadLightbox = async () => {
    const PhotoSwipe = await loadLibrary("PhotoSwipe");
    lightbox ??= mountLightbox(gridElement, { PhotoSwipe, findTile: (id) => grid.reveal(id) });
  };

  gridElement.addEventListener("photo-chosen", async (event) => {
    event.preventDefault();
    const { photo } = event.detail;
    try {
      await (lightbox ?? loadLightbox());
      lightbox.open(photo, gallery.photos);
    } catch {
      window.open(photo.url); // in a tab of its own: uploads may be on their way in this one
    }
  });
  gridElement.addEventListener("photo-shown", ({ detail }) => grid.reveal(detail.photo.id));
  gridElement.addEventListener("end-near", loadMore);
  gridElement.addEventListener("lightbox-closed", ({ detail }) => grid.focusPhoto(detail.photo.id));
  gallery.addEventListener("photos-changed", () => lightbox?.extend(gallery.photos));
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
