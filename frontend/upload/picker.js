/** Takes files from the buttons, the camera, a folder and the clipboard, and who is to see them. */

import { mountMenu } from "../page/menu.js";

/**
 * Takes over the plain form's controls; files that were chosen there already are handed on.
 * @param {HTMLElement} el
 * @param {(files: File[], visibility: "everyone"|"owner") => void} onFiles
 */
export function mountFilePicker(el, onFiles) {
  const form = el.closest("form");
  const part = (name) => form.querySelector(`[data-${name}]`);
  const input = el.querySelector("input[name=file]");
  const folder = part("folder");
  const plainChoice = /** @type {any} */ (form.elements).visibility;
  let visibility = plainChoice.value; // of what was chosen before

  const empty = (chooser) => {
    onFiles([...chooser.files], visibility);
    chooser.value = ""; // so that the same photo can be chosen again
  };

  /** For everyone again each time, unless the visitor says otherwise. */
  function choose(chooser, chosen) {
    visibility = chosen;
    chooser.click();
  }

  for (const chooser of [input, folder]) chooser.addEventListener("change", () => empty(chooser));
  part("choose-photos").addEventListener("click", () => choose(input, "everyone"));
  part("choose-privately").addEventListener("click", () => choose(input, "owner"));
  part("choose-folder").addEventListener("click", () => choose(folder, "everyone"));
  form.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const isButton = target.closest("button, input, .add-menu") !== null;
    // All of an empty gallery is an invitation.
    const isInvitation =
      document.body.dataset.gallery === "empty" && !form.hasAttribute("data-closed");
    if (isInvitation && !isButton) choose(input, "everyone");
  });
  document.addEventListener("paste", (event) => onFiles(pastedPhotos(event), "everyone"));

  part("send").hidden = input.hidden = true;
  part("choose-photos").hidden = part("more").hidden = false;
  part("choose-folder").hidden =
    !("webkitdirectory" in folder) || !matchMedia("(pointer: fine)").matches;
  mountMenu(form.querySelector(".add-menu"), part("more"));
  empty(input);
}

function pastedPhotos({ clipboardData }) {
  return [...clipboardData.files].map((file, index) =>
    // Browsers call every copied picture image.png; a copied file keeps its own name.
    /^image\.\w+$/.test(file.name) ? named(file, index) : file,
  );
}

function named(file, index) {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  const moment = `${now.slice(0, 10)} ${now.slice(11, 19).replaceAll(":", ".")}`;
  const extension = file.name.split(".").pop();
  const suffix = index > 0 ? ` ${index + 1}` : "";
  return new File([file], `Pasted ${moment}${suffix}.${extension}`, { type: file.type });
}
