/** Sums a batch of uploads up in one line: how many are added, how long it will take, who sees them. */

import { formatBytes, formatCount, formatNumber } from "../page/format.js";
import { createTimeLeft } from "./time-left.js";

const SHOWN_EVERY_MS = 100;
const COUNTED_EVERY_MS = 1000;

/**
 * @param {HTMLElement} el
 * @param {import("./queue.js").UploadQueue} queue
 * @param {{added: string}} words that say who sees what was added, where that is not everyone
 * @param {object} on
 * @param {(batch: {count: number, shared: number}) => void} on.onBegin called when a batch begins;
 *   `shared` is how many photos of it others are to see
 * @param {(sentence: string, isAllAdded: boolean) => void} on.onEnd
 * @param {() => void} on.onDone called when the result has been read
 * @returns {{update(), note(sentence: string), hasNote: boolean}} `note` says in a line of its own
 *   what else happened to this batch
 */
export function mountUploadSummary(el, queue, words, on) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const progress = el.querySelector("progress");
  let timer = null;
  let timeLeft = null; // of this batch, while something is under way
  let hasBegun = false; // whether a further batch was seen, if only for a moment

  /** Shows the uploads as they are, soon: many changes make one update. */
  function update() {
    hasBegun ||= !timeLeft && queue.isBusy;
    timer ??= setTimeout(show, SHOWN_EVERY_MS);
  }

  function show() {
    timer = null;
    const sums = sumUp(queue.uploads);
    const seconds = timeLeft?.(sums.sentBytes, sums.bytes, performance.now()) ?? null;
    const isPausing = queue.pause.isOn && sums.active > 0;
    if (isPausing) timeLeft = createTimeLeft(); // what was before tells nothing now
    part("line").textContent = lineOf(sums);
    part("detail").textContent = isPausing ? pauseOf(queue.pause) : detailOf(sums, seconds, words);
    const rest = sums.failed > 0 ? "failed" : "done";
    const present = isPausing ? "paused" : "busy";
    el.dataset.state = sums.active > 0 ? present : rest;
    tellBeginAndEnd(sums);
    part("stay").hidden = !queue.mustStayOpen;
    const share = sums.bytes ? sums.sentBytes / sums.bytes : 0;
    progress.value = share;
    progress.style.setProperty("--share", `${share * 100}%`);
    progress.hidden = sums.active === 0;
    offer(part, "try-now", isPausing);
    offer(part, "retry-all", sums.retryable >= 2);
    offer(part, "done", sums.active === 0 && (sums.failed > 0 || hasNote()));
    // To be done with photos that need another try is to give them up, and says so.
    const discard = sums.safe > 0 ? "Discard the rest" : "Discard";
    part("done").textContent = sums.retryable > 0 ? discard : "Done";
    if (isPausing) timer ??= setTimeout(show, COUNTED_EVERY_MS);
  }

  function tellBeginAndEnd(sums) {
    if (hasBegun && sums.count > 0) {
      on.onBegin({ count: sums.active || sums.count, shared: sums.shared });
      timeLeft = createTimeLeft();
      hasBegun = false;
    }
    if (sums.active > 0 || !timeLeft) return;
    timeLeft = null;
    const sentences = [`${lineOf(sums)}.`.replace("..", "."), detailOf(sums, null, words)];
    if (sums.count > 0) on.onEnd(sentences.join(" ").trim(), sums.failed === 0 && !hasNote());
  }

  const hasNote = () => part("note").textContent !== "";

  part("retry-all").addEventListener("click", () => queue.retryAll());
  part("try-now").addEventListener("click", () => queue.pause.end());
  part("done").addEventListener("click", on.onDone);
  return {
    update,

    note(sentence) {
      part("note").textContent = sentence;
      update();
    },

    get hasNote() {
      return hasNote();
    },
  };
}

/** Shows a button or hides it; one that goes hands the focus on. */
function offer(part, name, isOffered) {
  const button = part(name);
  if (!isOffered && button === document.activeElement) part("toggle").focus();
  button.hidden = !isOffered;
}

/** The uploads that count now: not those that have failed in an earlier batch, nor what no try helps. */
export function batchOf(uploads) {
  return uploads.filter(({ isFormer, state, canRetry }) => {
    return !isFormer && (state !== "failed" || canRetry);
  });
}

function sumUp(uploads) {
  const batch = uploads.filter(({ isFormer }) => !isFormer);
  const sendable = batchOf(uploads);
  const count = (matches) => sendable.filter(matches).length;
  const safe = count(({ state }) => state === "safe");
  const missed = count(({ state }) => state === "failed");
  return {
    count: batch.length,
    safe,
    missed,
    refused: batch.length - sendable.length,
    shared: count(({ visibility }) => visibility === "everyone"),
    own: count(({ visibility }) => visibility === "owner"),
    active: sendable.length - safe - missed,
    bytes: sendable.reduce((sum, { file }) => sum + file.size, 0),
    sentBytes: sendable.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    // Of all that has a row.
    failed: uploads.filter(({ state }) => state === "failed").length,
    retryable: uploads.filter(({ state, canRetry }) => state === "failed" && canRetry).length,
  };
}

function lineOf({ count, safe, active, missed, refused }) {
  if (count === 0) return "Nothing added";
  if (active > 0) {
    const isFirst = count === 1 || safe === 0;
    return isFirst
      ? `Adding ${formatCount(count, "photo")}…`
      : `${formatNumber(safe)} of ${formatNumber(count)} added`;
  }
  if (safe === count) {
    return (
      { 1: "Photo added", 2: "Both photos added" }[count] ??
      `All ${formatNumber(count)} photos added`
    );
  }
  if (refused === count) return `Couldn't add ${formatCount(count, "photo")}`;
  const parts = [
    safe > 0 && `${formatCount(safe, "photo")} added.`,
    missed > 0 && `${formatNumber(missed)} didn't go through.`,
    refused > 0 && `${formatNumber(refused)} couldn't be added.`,
  ];
  return parts.filter(Boolean).join(" ");
}

function pauseOf({ reason, secondsLeft }) {
  return `${reason} ${formatPause(secondsLeft)}`;
}

function detailOf({ active, safe, shared, own, bytes, sentBytes }, seconds, { added }) {
  if (active > 0) {
    const amount = `${formatBytes(sentBytes)} of ${formatBytes(bytes)}`;
    const mixed = own > 0 ? `${formatNumber(own)} only for you` : "";
    const audience = shared === 0 ? `Only you will see ${own === 1 ? "this" : "these"}` : mixed;
    return [audience, seconds === null ? amount : formatTimeLeft(seconds)]
      .filter(Boolean)
      .join(" · ");
  }
  if (safe > 0 && shared === 0) return `Only you can see ${safe === 1 ? "it" : "them"}.`;
  return safe > 0 ? added : "";
}

/** `Next try in 8 sec.` */
function formatPause(seconds) {
  if (seconds < 1) return "Trying again…";
  if (seconds < 90) return `Next try in ${Math.round(seconds)} sec.`;
  return `Next try in ${Math.round(seconds / 60)} min.`;
}

/** `about 20 sec left`, rounded so that it doesn't flicker */
function formatTimeLeft(seconds) {
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} sec left`;
  if (seconds < 3600) return `about ${Math.ceil(seconds / 60)} min left`;
  return `about ${formatCount(Math.ceil(seconds / 3600), "hour")} left`;
}
