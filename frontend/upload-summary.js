/** All uploads in one line: how many are safe, how much is sent, how long it will take. */

import { formatBytes, formatCount, formatNumber, formatPause, formatTimeLeft } from "./format.js";
import { createTimeLeft } from "./time-left.js";

const SHOWN_EVERY_MS = 100;
const COUNTED_EVERY_MS = 1000;

/**
 * @param {HTMLElement} el Dispatches `uploads-began` {count, shared} (how many others are to
 *   see), `uploads-ended` {sentence}, `list-toggled` {isOpen}, `retry-all`, `try-now`, and
 *   `uploads-done` when the result has been read.
 * @param {{uploads: object[], pause: RetryPause}} queue of all uploads of the batch
 */
export function mountUploadSummary(el, queue) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const dispatch = (name, detail) => el.dispatchEvent(new CustomEvent(name, { detail }));
  let timer = null;
  let timeLeft = null; // while something is under way
  let hasBegun = false; // since then, if only for a moment

  /** Shows the uploads as they are, soon: many changes make one update. */
  function update() {
    hasBegun ||= !timeLeft && queue.uploads.some(isActive);
    timer ??= setTimeout(show, SHOWN_EVERY_MS);
  }

  function show() {
    timer = null;
    const { pause } = queue;
    const sums = sumUp(queue.uploads);
    tellTurns(sums);
    const seconds = timeLeft?.(sums.sentBytes, sums.bytes, performance.now()) ?? null;
    part("line").textContent = lineOf(sums);
    const isPausing = pause.isOn && sums.active > 0;
    if (isPausing) timeLeft = createTimeLeft(); // what was before tells nothing now
    part("detail").textContent = isPausing ? pauseOf(pause) : detailOf(sums, seconds);
    offer(part, "try-now", isPausing);
    part("stay").hidden = !queue.mustStayOpen;
    const progress = el.querySelector("progress");
    progress.value = sums.bytes ? sums.sentBytes / sums.bytes : 0;
    progress.hidden = sums.active === 0;
    offer(part, "retry-all", sums.retryable >= 2);
    offer(part, "done", sums.active === 0);
    // To be done with photos that need another try is to give them up, and says so.
    part("done").textContent = sums.retryable > 0 ? "Forget the rest" : "Done";
    if (isPausing) timer ??= setTimeout(show, COUNTED_EVERY_MS);
  }

  function tellTurns({ active, count, ...sums }) {
    if (hasBegun && count > 0) {
      dispatch("uploads-began", { count: active || count, shared: sums.shared });
      timeLeft = createTimeLeft();
      hasBegun = false;
    }
    if (active === 0 && timeLeft) {
      timeLeft = null;
      if (count > 0) dispatch("uploads-ended", { sentence: lineOf({ active, count, ...sums }) });
    }
  }

  joinButtons(part, dispatch);
  return {
    update,
    /** Says in a line of its own what else happened to this batch. */
    note: (sentence) => (part("note").textContent = sentence),
    get hasNote() {
      return part("note").textContent !== "";
    },
  };
}

/** Shows a button or hides it; one that goes hands the focus on. */
function offer(part, name, isOffered) {
  const button = part(name);
  if (!isOffered && button === document.activeElement) part("toggle").focus();
  button.hidden = !isOffered;
}

function joinButtons(part, dispatch) {
  part("retry-all").addEventListener("click", () => dispatch("retry-all"));
  part("try-now").addEventListener("click", () => dispatch("try-now"));
  part("done").addEventListener("click", () => dispatch("uploads-done"));
  part("toggle").addEventListener("click", ({ currentTarget: toggle }) => {
    const isOpen = toggle.ariaExpanded !== "true";
    toggle.ariaExpanded = isOpen;
    dispatch("list-toggled", { isOpen });
  });
}

function isActive({ state }) {
  return state !== "safe" && state !== "failed";
}

function sumUp(uploads) {
  const count = (matches) => uploads.filter(matches).length;
  const sendable = uploads.filter(({ state, canRetry }) => state !== "failed" || canRetry);
  const safe = count(({ state }) => state === "safe");
  const retryable = count(({ state, canRetry }) => state === "failed" && canRetry);
  return {
    count: uploads.length,
    safe,
    retryable,
    refused: uploads.length - sendable.length,
    shared: uploads.filter(({ visibility }) => visibility === "everyone").length,
    active: sendable.length - safe - retryable,
    bytes: sendable.reduce((sum, { file }) => sum + file.size, 0),
    sentBytes: sendable.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
  };
}

function lineOf({ count, safe, active, retryable, refused }) {
  if (count === 0) return "No photos were added";
  const share = `${formatNumber(safe)} of ${formatCount(count, "photo")}`;
  if (active > 0) return `${share} safe`;
  if (refused === count) return `${formatCount(count, "photo")} could not be taken`;
  const result = `${share} ${count === 1 ? "is" : "are"} safe`;
  if (safe === count) return result;
  const rest = [
    retryable && `${formatNumber(retryable)} ${retryable === 1 ? "needs" : "need"} another try.`,
    refused && `${formatNumber(refused)} could not be taken.`,
  ];
  return [`${result}.`, ...rest.filter(Boolean)].join(" ");
}

function pauseOf({ reason, secondsLeft }) {
  return `${reason} ${formatPause(secondsLeft)}`;
}

function detailOf({ active, bytes, sentBytes }, seconds) {
  if (active === 0) return "";
  const amount = `${formatBytes(sentBytes)} of ${formatBytes(bytes)}`;
  return seconds === null ? amount : `${amount} · ${formatTimeLeft(seconds)}`;
}
