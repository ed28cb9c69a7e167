/** The composition of all that takes photos in: the components, and how their events are joined. */

import { fetchSettings, Unreachable } from "./api.js";
import { mountDropCover } from "./drop-cover.js";
import { mountFilePicker } from "./file-picker.js";
import { formatBytes, formatCount } from "./format.js";
import { KeptFiles } from "./kept-files.js";
import { mountLeftovers } from "./leftovers.js";
import { loadLibrary } from "./library.js";
import { mountUploadList } from "./upload-list.js";
import { UploadQueue } from "./upload-queue.js";
import { mountUploadSummary } from "./upload-summary.js";
import { mountUploadZone } from "./upload-zone.js";
import { createWakeLock } from "./wake-lock.js";

const find = (selector) => document.querySelector(selector);

/**
 * Turns the plain form into the upload zone; where that cannot be had, the form stays as it is.
 * @param {{say(sentence: string)}} announcer
 * @param {() => void} onSafe called whenever a photo is in the gallery
 */
export async function takeUploads(announcer, onSafe) {
  const el = find(".upload-zone");
  const [Dropzone, settings, keptFiles] = await Promise.all([
    loadLibrary("Dropzone").catch(() => null),
    readSettings(),
    openKeptFiles(),
  ]);
  const queue = new UploadQueue(settings, keptFiles);
  const zone = Dropzone && mountUploadZone(el, { Dropzone, settings, planOf: queue.planOf });
  el.dataset.state = zone ? "ready" : "plain";
  if (!zone) return;
  queue.sendBy(zone);
  queue.addEventListener("upload-changed", ({ detail }) => {
    if (detail.upload.state === "safe") onSafe();
  });
  const picker = find(".file-picker");
  picker.addEventListener("files-chosen", ({ detail }) => queue.add(detail.files));
  const tray = mountTray(queue);
  if (keptFiles) offerLeftovers(queue, keptFiles, tray, announcer);
  sayUploads(queue, announcer);
  stayAwake(queue);
  mountDropCover(find(".drop-cover"));
  mountFilePicker(picker);
}

async function readSettings() {
  try {
    const settings = await fetchSettings();
    const limit = formatBytes(settings.max_upload_bytes);
    find("[data-limit]").textContent = `, up to ${limit} each`;
    return settings;
  } catch (error) {
    if (error instanceof Unreachable) return {}; // the page goes on without them
    throw error;
  }
}

/** Null where the browser keeps nothing. */
async function openKeptFiles() {
  try {
    return new KeptFiles(await loadLibrary("idbKeyval"));
  } catch {
    return null;
  }
}

/** @returns {{update()}} shows or hides the tray's parts, as there is something in them */
function mountTray(queue) {
  const el = find(".upload-tray");
  const listElement = find(".upload-list");
  const summaryElement = find(".upload-summary");
  const list = mountUploadList(listElement);
  const summary = mountUploadSummary(summaryElement, queue);
  const on = (name, change) =>
    queue.addEventListener(name, ({ detail: { upload } }) => {
      change(upload);
      summary.update();
      if (name !== "upload-changed") update();
    });

  function update() {
    const hadFocus = el.contains(document.activeElement);
    summaryElement.hidden = queue.uploads.length === 0 && !summary.hasNote;
    el.hidden = summaryElement.hidden && find(".leftovers").hidden;
    if (el.hidden && hadFocus) find("[data-choose-photos]").focus();
  }

  on("upload-added", (upload) => list.add(upload));
  on("upload-removed", (upload) => list.remove(upload));
  on("upload-changed", (upload) => list.update(upload));
  queue.pause.addEventListener("pause-changed", () => summary.update());
  queue.addEventListener("files-left-out", ({ detail }) => {
    summary.note(leftOutSentence(detail));
    summary.update();
    update();
  });
  listElement.addEventListener("retry-upload", ({ detail }) => queue.retry(detail.upload));
  listElement.addEventListener("remove-upload", ({ detail }) => queue.remove(detail.upload));
  summaryElement.addEventListener("retry-all", () => queue.retryAll());
  summaryElement.addEventListener("try-now", () => queue.pause.end());
  summaryElement.addEventListener("uploads-done", () => {
    summary.note("");
    queue.removeAll();
    update();
  });
  summaryElement.addEventListener("list-toggled", ({ detail }) => {
    listElement.hidden = !detail.isOpen;
  });
  return { update };
}

/** Photos that an earlier visit has not brought to their end. */
async function offerLeftovers(queue, keptFiles, tray, announcer) {
  const el = find(".leftovers");
  const leftovers = mountLeftovers(el);
  keptFiles.addEventListener("held-elsewhere", ({ detail }) => {
    leftovers.withdraw(detail.ids);
    tray.update();
  });
  el.addEventListener("leftovers-continued", async ({ detail: { ids } }) => {
    queue.resume(await keptFiles.claim(ids));
    tray.update();
  });
  el.addEventListener("leftovers-forgotten", ({ detail: { ids } }) => {
    for (const id of ids) keptFiles.forget(id);
    tray.update();
  });
  const ids = await keptFiles.findLeftovers();
  if (ids.length > 0) announcer.say(leftovers.offer(ids));
  tray.update();
}

/** For ears: the beginning, each failure, each pause, the end. */
function sayUploads(queue, announcer) {
  const summaryElement = find(".upload-summary");
  summaryElement.addEventListener("uploads-began", ({ detail }) => {
    announcer.say(`Uploading ${formatCount(detail.count, "photo")}.`);
  });
  summaryElement.addEventListener("uploads-ended", ({ detail }) => announcer.say(detail.sentence));
  queue.addEventListener("files-left-out", ({ detail }) => announcer.say(leftOutSentence(detail)));
  queue.addEventListener("upload-changed", ({ detail: { upload } }) => {
    if (upload.state === "failed") announcer.say(`${upload.file.name}: ${upload.reason}`);
  });
  let lastReason = ""; // a network that stays away is told once
  queue.pause.addEventListener("pause-changed", () => {
    const { reason } = queue.pause;
    if (reason && reason !== lastReason) announcer.say(reason);
    lastReason = reason || lastReason;
  });
}

function stayAwake(queue) {
  const stayAwakeIf = createWakeLock();
  for (const name of ["upload-added", "upload-changed", "upload-removed"]) {
    queue.addEventListener(name, () => stayAwakeIf(queue.isBusy));
  }
}

function leftOutSentence({ count }) {
  return count === 1
    ? "1 file that is not a photo was left out."
    : `${formatCount(count, "file")} that are not photos were left out.`;
}
