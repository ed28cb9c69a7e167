/** One row for each photo on its way. */

import { createFilePreviews } from "./file-preview.js";
import { formatBytes, formatPercent } from "./format.js";

const SAFE_SHOWN_MS = 1600;
const LEAVE_MS = 360; // as in upload-tray.css, with a margin

/**
 * @param {HTMLElement} el the list. Dispatches `retry-upload` and `remove-upload` {upload}, and
 *   `focus-lost` when the last row had the focus.
 */
export function mountUploadList(el) {
  const rows = new Map(); // Upload → row
  const previews = createFilePreviews(el);
  const dispatch = (name, detail) => el.dispatchEvent(new CustomEvent(name, { detail }));

  function add(upload) {
    const row = createRow(upload, dispatch);
    rows.set(upload, row);
    update(upload);
    el.append(row);
    previews.watch(row.querySelector(".upload-row-picture"), upload.file);
  }

  function update(upload) {
    const row = rows.get(upload);
    if (!row) return;
    fillRow(row, upload);
    if (upload.state === "safe") setTimeout(() => leave(upload), SAFE_SHOWN_MS);
  }

  /** Safe rows go calmly, so that those which need somebody stay in sight. */
  function leave(upload) {
    const row = rows.get(upload);
    if (!row) return;
    row.dataset.leaving = "";
    setTimeout(() => remove(upload), LEAVE_MS);
  }

  function remove(upload) {
    const row = rows.get(upload);
    if (!row) return;
    rows.delete(upload);
    previews.forget(row.querySelector(".upload-row-picture"));
    const hadFocus = row.contains(document.activeElement);
    const heir = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (hadFocus && heir) heir.querySelector("[data-leave]").focus();
    else if (hadFocus) dispatch("focus-lost");
  }

  return { add, update, remove };
}

function createRow(upload, dispatch) {
  const { file } = upload;
  const template = document.getElementById("upload-row");
  const row = template.content.firstElementChild.cloneNode(true);
  const name = row.querySelector(".upload-row-name");
  name.textContent = file.name;
  name.title = file.name;
  row.querySelector("[data-private]").toggleAttribute("hidden", upload.visibility !== "owner");
  row.querySelector("[data-size]").textContent = formatBytes(file.size);
  row.querySelector("progress").ariaLabel = file.name;
  const retry = row.querySelector("[data-retry]");
  const leave = row.querySelector("[data-leave]");
  retry.ariaLabel = `Retry ${file.name}`;
  retry.addEventListener("click", () => {
    leave.focus(); // this button goes now
    dispatch("retry-upload", { upload });
  });
  leave.addEventListener("click", () => dispatch("remove-upload", { upload }));
  return row;
}

function fillRow(row, { file, state, sentBytes, reason, canRetry }) {
  const isOver = state === "failed" || state === "safe";
  const fraction = file.size ? sentBytes / file.size : 0;
  row.dataset.state = state;
  row.querySelector(".upload-row-state").textContent = {
    waiting: "Waiting",
    sending: formatPercent(fraction),
    checking: "Checking…",
    safe: "Safe",
    failed: reason,
  }[state];
  const progress = row.querySelector("progress");
  progress.value = fraction * 100;
  progress.hidden = isOver;
  row.querySelector("[data-retry]").hidden = !(state === "failed" && canRetry);
  const leave = row.querySelector("[data-leave]");
  leave.ariaLabel = `${isOver ? "Dismiss" : "Cancel"} ${file.name}`;
  leave.title = isOver ? "Dismiss" : "Cancel";
}
