/** Shows what is on its way: a bar, a sheet with a row for each photo, and the same in words for ears. */

import { formatCount } from "../page/format.js";
import { draw } from "./previews.js";
import { mountUploadRows } from "./rows.js";
import { batchOf, mountUploadSummary } from "./summary.js";

const GONE_MS = 4_000; // after all has been added
const PLACE_TO_ADD = ".upload-zone-closed:not([hidden]), [data-choose-photos]";
const PICTURES = 3; // of a batch, in the bar
const HAS_ROOM = "(min-width: 48rem) and (min-height: 30rem)"; // for the list beside the photos

/**
 * @param {HTMLElement} el a bar, which opens a sheet, and what else may be asked about uploads;
 *   dispatches `uploads-began` {count, shared} (how many others are to see) and `uploads-done` when
 *   the result has been read
 * @param {import("./queue.js").UploadQueue} queue
 * @param {{say(sentence: string)}} announcer
 * @param {{label: string, added: string}} words who sees what is added
 * @returns {{update(hadFocus?: boolean), note(sentence: string)}} `update` shows and hides its
 *   parts, `note` says what else has happened to this batch
 */
export function mountTray(el, queue, announcer, words) {
  const find = (name) => el.querySelector(`.${name}`);
  const [bar, sheet] = [find("upload-summary"), find("upload-sheet")];
  const [leftovers, offer] = [find("leftovers"), find("name-offer")];
  const toggle = bar.querySelector("[data-toggle]");
  let shownUploads = 0;
  let hasBegun = false; // until it is known what to say, there is no bar that would grow then
  let timer;
  const rows = mountUploadRows(find("upload-list"), sheet, queue, giveFocus);
  const visibility = mountBatchVisibility(find("batch-visibility"), queue, words);
  const summary = mountUploadSummary(bar, queue, words, {
    onBegin(batch) {
      clearTimeout(timer);
      announcer.say(`Adding ${formatCount(batch.count, "photo")}.`);
      drawPictures(find("upload-pictures"), queue.uploads);
      el.dispatchEvent(new CustomEvent("uploads-began", { detail: batch }));
      hasBegun = true;
      update();
    },
    onEnd(sentence, isAllAdded) {
      announcer.say(sentence);
      rows.removeSafe();
      if (isAllAdded) timer = setTimeout(endUnlessAsked, GONE_MS);
    },
    onDone: end,
  });

  /** A question stays until it is answered. */
  function endUnlessAsked() {
    if (offer.hidden) end();
    else timer = setTimeout(endUnlessAsked, GONE_MS);
  }

  function end() {
    clearTimeout(timer);
    hasBegun = false;
    summary.note("");
    queue.removeAll();
    update();
    el.dispatchEvent(new CustomEvent("uploads-done"));
  }

  function open(isOpen) {
    sheet.hidden = !isOpen;
    el.toggleAttribute("data-open", isOpen);
    toggle.setAttribute("aria-expanded", String(isOpen));
    document.body.dataset.uploads = isOpen && !el.hidden ? "open" : "";
  }

  /** @param {boolean} hadFocus before something of it went */
  function update(hadFocus = el.contains(document.activeElement)) {
    shownUploads = queue.size;
    bar.hidden = !summary.hasNote && (queue.size === 0 || !hasBegun);
    el.hidden = bar.hidden && leftovers.hidden;
    const focused = document.activeElement;
    // Whatever hides has the attribute. To ask the browser what it shows would be a layout for each row.
    const isGone = focused === document.body || focused.closest("[hidden]") !== null;
    if (hadFocus && isGone) giveFocus();
    open(bar.hidden ? matchMedia(HAS_ROOM).matches : !sheet.hidden);
  }

  function giveFocus() {
    (bar.hidden ? document.querySelector(PLACE_TO_ADD) : toggle).focus();
  }

  queue.addEventListener("upload-changed", ({ detail: { upload } }) => {
    const hadFocus = el.contains(document.activeElement);
    rows.update(upload);
    summary.update();
    visibility.update();
    if (queue.size !== shownUploads) update(hadFocus);
  });
  queue.pause.addEventListener("pause-changed", () => summary.update());
  bar.addEventListener("click", ({ target }) => {
    const isOther = target.closest("button") && !toggle.contains(target);
    if (!isOther) open(sheet.hidden); // the whole bar is the button's target
  });
  announceFailures(queue, announcer, bar.querySelector("[data-try-now]"));
  open(matchMedia(HAS_ROOM).matches);
  tellHeight(el);

  return {
    update,
    note(sentence) {
      summary.note(sentence);
      announcer.say(sentence);
      update();
    },
  };
}

/** Tells the style sheets, as `--uploads`, how much of a phone it covers: "Add photos" is above it, where
 * that leaves room for it. */
function tellHeight(el) {
  const observer = new ResizeObserver((entries) => {
    const [box] = entries[0].borderBoxSize;
    const height = box?.blockSize ?? 0;
    document.body.style.setProperty("--uploads", `${height}px`);
    document.body.toggleAttribute("data-uploads-tall", height > 0.6 * innerHeight);
  });
  observer.observe(el, { box: "border-box" });
}

/** Lets the visitor choose for all photos of a batch who is to see them. */
function mountBatchVisibility(el, queue, { label }) {
  const select = el.querySelector("select");
  select.querySelector("[data-everyone]").textContent = label;
  select.addEventListener("change", () => queue.setVisibility(select.value));

  let timer = null;

  function show() {
    timer = null;
    const chosen = new Set(batchOf(queue.uploads).map(({ visibility }) => visibility));
    el.hidden = chosen.size === 0;
    select.value = chosen.size === 1 ? [...chosen][0] : "";
  }

  /** Soon: many changes make one update. */
  return { update: () => (timer ??= setTimeout(show)) };
}

async function drawPictures(el, uploads) {
  const batch = uploads.filter(({ isFormer }) => !isFormer).slice(0, PICTURES);
  const places = batch.map(() => document.createElement("span"));
  el.replaceChildren(...places);
  for (const [index, { file }] of batch.entries()) {
    const picture = await draw(file);
    if (picture) places[index].append(picture);
  }
}

/** Says each failure, and each interruption and its end, once. */
function announceFailures(queue, announcer, tryNow) {
  const told = new WeakMap(); // Upload → the reason that was told
  let interruption = "";

  tryNow.addEventListener("click", () => (interruption = ""));
  queue.pause.addEventListener("pause-changed", () => {
    const { reason } = queue.pause;
    if (reason && reason !== interruption) announcer.say(reason);
    interruption = reason || interruption;
  });
  queue.addEventListener("upload-changed", ({ detail: { upload } }) => {
    const { file, reason } = upload;
    if (reason && told.get(upload) !== reason) announcer.say(`${file.name}: ${reason}`);
    told.set(upload, reason);
    // What was under way still arrives during a pause.
    if (!interruption || queue.pause.isOn || !queue.pause.isFresh) return;
    announcer.say("Back online, continuing.");
    interruption = "";
  });
}
