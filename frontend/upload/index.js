/** Opens the room where photos are added: turns the plain form into all that takes files and sends
 * them, and joins its parts. */

import { formatBytes, formatCount } from "../page/format.js";
import { loadLibrary } from "../page/library.js";
import { createWakeLock } from "../page/wake-lock.js";
import { mountDropCover } from "./drop-cover.js";
import { Uploader } from "./dropzone.js";
import { KeptFiles } from "./kept-files.js";
import { offerLeftovers } from "./leftovers.js";
import { takenFormats } from "./photo-format.js";
import { mountFilePicker } from "./picker.js";
import { UploadQueue } from "./queue.js";
import { isSkipped, isSystemFile } from "./refusals.js";
import { mountTray } from "./tray.js";

const find = (selector) => document.querySelector(selector);

// Who sees what is added, as the page says it in each mode of the gallery; to a host always the first.
const WORDS = {
  everyone: {
    audience: "for everyone",
    label: "Everyone",
    rule: "Everyone in this gallery can see your photos.",
    added: "",
    drop: "Everyone will see them.",
  },
  own: {
    audience: "for the host",
    label: "The host",
    rule: "Only you and the host can see your photos.",
    added: "Only you and the host can see your photos.",
    drop: "You and the host will see them.",
  },
  approval: {
    audience: "for approval",
    label: "Everyone",
    rule: "Your photos appear once the host approves them.",
    added: "Your photos appear once the host approves them.",
    drop: "Everyone will see them, once the host approves them.",
  },
};

/**
 * Where Dropzone cannot be had, the plain form stays as it is.
 * @param {object} parts
 * @param {{say(sentence: string)}} parts.announcer
 * @param {{tell(sentence: string)}} parts.notice
 * @param {import("../page/visitor.js").Visitor} parts.visitor whose settings are known
 * @param {() => void} onSafe called whenever a photo is in the gallery
 * @returns {Promise<UploadQueue|null>} null where the form stays
 */
export async function takeUploads({ announcer, notice, visitor }, onSafe) {
  const el = find(".upload-zone");
  const { settings } = visitor;
  const [Dropzone, keptFiles] = await Promise.all([
    loadLibrary("Dropzone").catch(() => null),
    openKeptFiles(settings),
  ]);
  const { mode, account } = settings;
  const words = WORDS[(!account?.is_host && mode) || "everyone"];
  tellLimits(el, settings);
  tellAudience(el, words, account);
  tellClosed(el, visitor, announcer);
  const isReady = Dropzone?.isBrowserSupported();
  el.dataset.state = isReady ? "ready" : "plain";
  if (!isReady) document.body.dataset.uploads = "plain";
  if (!isReady) return null;

  let leftOut = 0; // files of a folder that are no photos
  const cover = mountDropCover(find(".drop-cover"), words.drop);
  const uploader = new Uploader(Dropzone, el.action, {
    onFile: take,
    onDropRead() {
      tellLeftOut();
      cover.endDrop();
    },
  });
  const queue = new UploadQueue(settings, uploader, keptFiles);
  const tray = mountTray(find(".upload-tray"), queue, announcer, words);
  const follow = () => (queue.closed = cover.closed = visitor.closed);
  visitor.addEventListener("visitor-changed", follow);
  follow();
  const stayAwakeIf = createWakeLock();
  queue.addEventListener("upload-changed", ({ detail: { upload } }) => {
    if (upload.state === "safe") onSafe();
    stayAwakeIf(queue.isBusy);
  });
  warnOfLoss(queue);
  if (keptFiles) {
    const say = (sentence) => announcer.say(sentence);
    offerLeftovers(find(".leftovers"), { keptFiles, queue, say, onShown: tray.update });
  }
  mountFilePicker(find(".file-picker"), (files, visibility) => {
    for (const file of files) take(file, visibility);
    tellLeftOut();
  });

  function take(file, visibility = cover.visibilityOf(file)) {
    if (visitor.closed) notice.tell(visitor.closed);
    else if (!isSkipped(file, settings)) queue.add(file, visibility);
    else if (!isSystemFile(file)) leftOut += 1;
  }

  function tellLeftOut() {
    if (leftOut > 0) tray.note(leftOutSentence(leftOut));
    leftOut = 0;
  }

  return queue;
}

/**
 * Null where the browser keeps nothing, or nobody knows whose it would be.
 * @param {import("../page/api.js").Settings} settings
 */
async function openKeptFiles({ guest, account }) {
  try {
    return guest && new KeptFiles(await loadLibrary("idbKeyval"), account ? guest.id : null);
  } catch {
    return null;
  }
}

function tellLimits(el, settings) {
  const { extensions, max_upload_bytes: bytes } = settings;
  el.querySelector("[data-formats]").textContent = takenFormats(settings);
  if (extensions) {
    const endings = extensions.map((extension) => `.${extension}`);
    el.querySelector("input[name=file]").accept = ["image/*", ...endings].join();
  }
  if (bytes) el.querySelector("[data-limit]").textContent = `, up to ${formatBytes(bytes)} each`;
}

function tellAudience(el, { audience, label, rule }, account) {
  el.querySelector("[data-audience]").textContent = audience;
  el.querySelector("[data-everyone]").textContent = label;
  el.querySelector("[data-rule]").textContent = rule;
  if (account) return;
  el.querySelector("[data-private-meaning]").textContent =
    "Only you will see these, on this device. Sign in to see them elsewhere.";
}

/** Says that the gallery is closed for uploads, as long as it is, in the place of the form. */
function tellClosed(el, visitor, announcer) {
  const note = el.querySelector(".upload-zone-closed");

  function update() {
    const { closed } = visitor;
    const hadFocus = el.contains(document.activeElement);
    note.hidden = !closed;
    note.querySelector("[data-closed]").textContent = closed;
    el.toggleAttribute("data-closed", closed !== "");
    if (hadFocus) el.querySelector(closed ? ".upload-zone-closed" : "[data-choose-photos]").focus();
  }

  visitor.addEventListener("visitor-changed", () => {
    if (note.hidden !== Boolean(visitor.closed)) return;
    update();
    announcer.say(visitor.closed || "You can add photos again.");
  });
  update();
}

/** Asks before the page is closed, while something would be lost with it. A listener that is always
 * there would keep the page out of the browser's cache for going back. */
function warnOfLoss(queue) {
  const warn = (event) => {
    event.preventDefault();
    event.returnValue = true; // Chrome before 119, Safari
  };
  queue.addEventListener("upload-changed", () => {
    if (queue.wouldLose) window.addEventListener("beforeunload", warn);
    else window.removeEventListener("beforeunload", warn);
  });
}

function leftOutSentence(count) {
  return count === 1
    ? "Skipped 1 file that isn't a photo."
    : `Skipped ${formatCount(count, "file")} that aren't photos.`;
}
