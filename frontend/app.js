/** The composition of the page: every component is mounted here, and their events are joined. */

import { mountAnnouncer } from "./announcer.js";
import { fetchSettings, Unreachable } from "./api.js";
import { mountDropCover } from "./drop-cover.js";
import { mountFilePicker } from "./file-picker.js";
import { formatBytes, formatCount } from "./format.js";
import { Gallery } from "./gallery.js";
import { loadLibrary } from "./library.js";
import { mountLightbox } from "./lightbox.js";
import { keepFresh } from "./live.js";
import { mountPhotoGrid } from "./photo-grid.js";
import { mountUploadList } from "./upload-list.js";
import { mountUploadSummary } from "./upload-summary.js";
import { mountUploadZone } from "./upload-zone.js";

const find = (selector) => document.querySelector(selector);
const gallery = new Gallery();
const announcer = mountAnnouncer(find(".announcer"));
const gridElement = find(".photo-grid");
const grid = mountPhotoGrid(gridElement);

showPhotos();
enlargePhotos();
takeUploads();
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

/** Turns the plain form into the upload zone; where that cannot be had, the form stays as it is. */
async function takeUploads() {
  const el = find(".upload-zone");
  const [Dropzone, settings] = await Promise.all([
    loadLibrary("Dropzone").catch(() => null),
    readSettings(),
  ]);
  const zone = Dropzone && mountUploadZone(el, { Dropzone, settings });
  el.dataset.state = zone ? "ready" : "plain";
  if (!zone) return;
  const picker = find(".file-picker");
  picker.addEventListener("files-chosen", ({ detail }) => zone.add(detail.files));
  showUploads(el, zone);
  sayUploads(el);
  mountDropCover(find(".drop-cover"));
  mountFilePicker(picker);
}

async function readSettings() {
  const settings = (await reached(fetchSettings())) ?? {};
  const limit = settings.max_upload_bytes;
  if (limit) find("[data-limit]").textContent = `, up to ${formatBytes(limit)} each`;
  return settings;
}

function showUploads(el, zone) {
  const listElement = find(".upload-list");
  const summaryElement = find(".upload-summary");
  const list = mountUploadList(listElement);
  const summary = mountUploadSummary(summaryElement, () => zone.uploads);
  const on = (name, change) =>
    el.addEventListener(name, ({ detail: { upload } }) => {
      change(upload);
      summary.update();
      if (zone.uploads.length === 0) closeTray(summary);
    });

  on("upload-added", (upload) => {
    find(".upload-tray").hidden = false;
    list.add(upload);
  });
  on("upload-removed", (upload) => list.remove(upload));
  on("upload-changed", (upload) => {
    list.update(upload);
    if (upload.state === "safe") reached(gallery.refresh());
  });
  el.addEventListener("files-left-out", ({ detail }) => {
    find(".upload-tray").hidden = false;
    summary.update();
    summary.note(leftOutSentence(detail));
  });
  listElement.addEventListener("retry-upload", ({ detail }) => zone.retry(detail.upload));
  listElement.addEventListener("remove-upload", ({ detail }) => zone.remove(detail.upload));
  summaryElement.addEventListener("retry-all", () => zone.retryAll());
  summaryElement.addEventListener("uploads-done", () => {
    zone.removeAll();
    closeTray(summary);
  });
  summaryElement.addEventListener("list-toggled", ({ detail }) => {
    listElement.hidden = !detail.isOpen;
  });
}

function closeTray(summary) {
  const tray = find(".upload-tray");
  const hadFocus = tray.contains(document.activeElement);
  tray.hidden = true;
  summary.note("");
  if (hadFocus) find("[data-choose-photos]").focus();
}

/** For ears: the beginning, each failure, the end. */
function sayUploads(el) {
  const summaryElement = find(".upload-summary");
  summaryElement.addEventListener("uploads-began", ({ detail }) => {
    announcer.say(`Uploading ${formatCount(detail.count, "photo")}.`);
  });
  summaryElement.addEventListener("uploads-ended", ({ detail }) => announcer.say(detail.sentence));
  el.addEventListener("files-left-out", ({ detail }) => announcer.say(leftOutSentence(detail)));
  el.addEventListener("upload-changed", ({ detail: { upload } }) => {
    if (upload.state === "failed") announcer.say(`${upload.file.name}: ${upload.reason}`);
  });
}

function leftOutSentence({ count }) {
  return count === 1
    ? "1 file that is not a photo was left out."
    : `${formatCount(count, "file")} that are not photos were left out.`;
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
