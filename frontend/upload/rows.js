/** Shows a row for each photo on its way. */

import { createFilePreviews } from "./previews.js";
import { formatBytes, formatPercent } from "../page/format.js";

const FOLLOWED_EVERY_MS = 500;

/**
 * @param {HTMLElement} el the list
 * @param {HTMLElement} scroller in which it scrolls
 * @param {import("./queue.js").UploadQueue} queue
 * @param {() => void} giveFocus called when the last row had the focus
 * @returns {{update(upload: import("./queue.js").Upload), removeSafe()}}
 */
export function mountUploadRows(el, scroller, queue, giveFocus) {
  const rows = new Map(); // Upload → row
  const previews = createFilePreviews(scroller);
  let timer = null;

  function update(upload) {
    if (upload.state === "removed") return remove(upload);
    const row = rows.get(upload) ?? add(upload);
    fillRow(row, upload);
    if (upload.state === "safe") timer ??= setTimeout(follow, FOLLOWED_EVERY_MS);
  }

  function add(upload) {
    const row = createRow(upload, queue);
    rows.set(upload, row);
    el.append(row);
    previews.watch(row.querySelector(".upload-row-picture"), upload.file);
    return row;
  }

  /** Scrolls to the first row that is not safe yet. If those that are went, all others would jump. */
  function follow() {
    timer = null;
    if (scroller.hidden || scroller.matches(":hover, :focus-within")) return;
    const [, row] = [...rows].find(([{ state }]) => state !== "safe") ?? [];
    if (row) scroller.scrollTop = row.offsetTop - el.offsetTop;
  }

  function remove(upload) {
    const row = rows.get(upload);
    if (!row) return;
    rows.delete(upload);
    previews.forget(row.querySelector(".upload-row-picture"));
    const hadFocus = row.contains(document.activeElement);
    const nextRow = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (hadFocus && nextRow) nextRow.querySelector("[data-leave]").focus();
    else if (hadFocus) giveFocus();
  }

  return {
    update,

    /** Nothing is under way any more: what needs somebody is all that stays. */
    removeSafe() {
      for (const upload of [...rows.keys()]) if (upload.state === "safe") remove(upload);
    },
  };
}

function createRow(upload, queue) {
  const { file } = upload;
  const template = document.getElementById("upload-row");
  const row = template.content.firstElementChild.cloneNode(true);
  const name = row.querySelector(".upload-row-name");
  name.textContent = file.name;
  name.title = file.name;
  row.querySelector("[data-size]").textContent = formatBytes(file.size);
  row.querySelector("progress").setAttribute("aria-label", file.name);
  const retry = row.querySelector("[data-retry]");
  const leave = row.querySelector("[data-leave]");
  retry.setAttribute("aria-label", `Retry ${file.name}`);
  retry.addEventListener("click", () => {
    leave.focus(); // this button goes now
    queue.retry(upload);
  });
  leave.addEventListener("click", () => queue.remove(upload));
  return row;
}

function fillRow(row, { file, visibility, state, sentBytes, reason, canRetry }) {
  const isOver = state === "failed" || state === "safe";
  const fraction = file.size ? sentBytes / file.size : 0;
  row.dataset.state = state;
  row.querySelector("[data-private]").toggleAttribute("hidden", visibility !== "owner");
  row.querySelector(".upload-row-state").textContent = {
    waiting: "Waiting",
    sending: formatPercent(fraction),
    checking: "Almost done…",
    safe: "Added",
    failed: reason,
  }[state];
  const progress = row.querySelector("progress");
  progress.value = fraction * 100;
  progress.hidden = isOver;
  row.querySelector("[data-retry]").hidden = !(state === "failed" && canRetry);
  const leave = row.querySelector("[data-leave]");
  const verb = isOver ? "Dismiss" : "Cancel";
  leave.title = verb;
  leave.setAttribute("aria-label", `${verb} ${file.name}`);
}
