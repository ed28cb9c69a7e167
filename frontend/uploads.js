/** The composition of all that takes photos in: the components, and how their events are joined. */

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
import { mountVisibilitySwitch } from "./visibility-switch.js";
import { createWakeLock } from "./wake-lock.js";

const find = (selector) => document.querySelector(selector);

/**
 * Turns the plain form into the upload zone; where that cannot be had, the form stays as it is.
 * @param {{say(sentence: string)}} announcer
 * @param {Promise<object>} whenSettings of the server
 * @param {() => void} onSafe called whenever a photo is in the gallery
 * @returns {Promise<UploadQueue|null>} null where the form stays
 */
export async function takeUploads(announcer, whenSettings, onSafe) {
  const el = find(".upload-zone");
  const [Dropzone, settings, keptFiles] = await Promise.all([
    loadLibrary("Dropzone").catch(() => null),
    whenSettings,
    openKeptFiles(whenSettings),
  ]);
  if (settings.max_upload_bytes) tellLimit(settings);
  const visibility = mountVisibilitySwitch(find(".visibility-switch"), settings);
  tellRule(visibility);
  find(".visibility-switch").addEventListener("visibility-chosen", () => tellRule(visibility));
  const queue = new UploadQueue(settings, keptFiles, visibility.visibilityOf);
  const zone = Dropzone && mountUploadZone(el, { Dropzone, settings, planOf: queue.planOf });
  el.dataset.state = zone ? "ready" : "plain";
  if (!zone) return null;
  queue.sendBy(zone);
  zone.addEventListener("drops-read", visibility.forgetFolders);
  queue.addEventListener("upload-changed", ({ detail }) => {
    if (detail.upload.state === "safe") onSafe();
  });
  const picker = find(".file-picker");
  picker.addEventListener("files-chosen", ({ detail }) => queue.add(detail.files));
  const tray = mountTray(queue, zone);
  if (keptFiles) offerLeftovers(queue, keptFiles, tray, announcer);
  sayUploads(queue, zone, announcer);
  stayAwake(queue);
  mountDropCover(find(".drop-cover"), () => visibility.dropWords);
  mountFilePicker(picker);
  return queue;
}

function tellRule({ rule }) {
  find(".gallery-rule").textContent = rule;
  find(".gallery-rule").hidden = rule === "";
}

function tellLimit(settings) {
  find("[data-limit]").textContent = `, up to ${formatBytes(settings.max_upload_bytes)} each`;
}

/** Null where the browser keeps nothing, or nobody knows whose it would be. */
async function openKeptFiles(whenSettings) {
  try {
    const found = Promise.all([loadLibrary("idbKeyval"), whenSettings]);
    const [idbKeyval, { account, guest }] = await found;
    return guest ? new KeptFiles(idbKeyval, account ? guest.id : null) : null;
  } catch {
    return null;
  }
}

/** @returns {{update()}} shows or hides the tray's parts, as there is something in them */
function mountTray(queue, zone) {
  const el = find(".upload-tray");
  const listElement = find(".upload-list");
  const summaryElement = find(".upload-summary");
  const list = mountUploadList(listElement);
  const summary = mountUploadSummary(summaryElement, queue);
  const on = (name, change) =>
    queue.addEventListener(name, ({ detail: { upload } }) => {
      const hadFocus = el.contains(document.activeElement);
      change(upload);
      summary.update();
      if (name !== "upload-changed") update(hadFocus);
    });

  function update(hadFocus = el.contains(document.activeElement)) {
    summaryElement.hidden = queue.uploads.length === 0 && !summary.hasNote;
    el.hidden = summaryElement.hidden && find(".leftovers").hidden;
    const focused = document.activeElement;
    if (hadFocus && (focused === document.body || !focused.checkVisibility())) giveFocus();
  }

  function giveFocus() {
    const toggle = summaryElement.querySelector("[data-toggle]");
    (summaryElement.hidden ? find("[data-choose-photos]") : toggle).focus();
  }

  on("upload-added", (upload) => list.add(upload));
  on("upload-removed", (upload) => list.remove(upload));
  on("upload-changed", (upload) => list.update(upload));
  queue.pause.addEventListener("pause-changed", () => summary.update());
  zone.addEventListener("files-left-out", ({ detail }) => {
    summary.note(leftOutSentence(detail));
    summary.update();
    update();
  });
  listElement.addEventListener("retry-upload", ({ detail }) => queue.retry(detail.upload));
  listElement.addEventListener("focus-lost", giveFocus);
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

/** Photos that an earlier visit, or a tab that was closed, has not brought to their end. */
function offerLeftovers(queue, keptFiles, tray, announcer) {
  const el = find(".leftovers");
  const leftovers = mountLeftovers(el);

  async function look() {
    if (document.hidden) return;
    const ids = await keptFiles.findLeftovers();
    const isNews = el.hidden && ids.length > 0;
    const sentence = leftovers.offer(ids);
    if (isNews) announcer.say(sentence);
    tray.update();
  }

  keptFiles.addEventListener("held-elsewhere", ({ detail }) => {
    leftovers.withdraw(detail.ids);
    tray.update();
  });
  el.addEventListener("leftovers-continued", async ({ detail: { ids } }) => {
    queue.resume(await keptFiles.claim(ids));
    tray.update(true);
  });
  el.addEventListener("leftovers-forgotten", ({ detail: { ids } }) => {
    queue.forget(ids);
    tray.update(true);
  });
  document.addEventListener("visibilitychange", look);
  look();
}

/** For ears: the beginning, each failure, each interruption and its end, the end. */
function sayUploads(queue, zone, announcer) {
  const summaryElement = find(".upload-summary");
  const told = new WeakMap(); // Upload → the reason that was told
  let interruption = ""; // one that lasts is told once
  const say = (sentence) => announcer.say(sentence);

  summaryElement.addEventListener("uploads-began", ({ detail }) => {
    say(`Uploading ${formatCount(detail.count, "photo")}.`);
  });
  summaryElement.addEventListener("uploads-ended", ({ detail }) => say(detail.sentence));
  summaryElement.addEventListener("try-now", () => (interruption = ""));
  zone.addEventListener("files-left-out", ({ detail }) => say(leftOutSentence(detail)));
  zone.addEventListener("chunk-safe", () => {
    if (!interruption || queue.pause.isOn) return; // what was under way still arrives
    say("Photos are on their way again.");
    interruption = "";
  });
  queue.addEventListener("upload-changed", ({ detail: { upload } }) => {
    const { file, reason } = upload;
    if (reason && told.get(upload) !== reason) say(`${file.name}: ${reason}`);
    told.set(upload, reason);
  });
  queue.pause.addEventListener("pause-changed", () => {
    const { reason } = queue.pause;
    if (reason && reason !== interruption) say(reason);
    interruption = reason || interruption;
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
