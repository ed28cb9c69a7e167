/** The ways to hand in photos without a mouse in the air: buttons, camera, folders, paste. */

/**
 * Takes over the plain form's controls; files that were chosen there already are handed on.
 * @param {HTMLElement} el dispatches `files-chosen` {files}
 */
export function mountFilePicker(el) {
  const input = el.querySelector("input[name=file]");
  const folder = el.querySelector("[data-folder]");
  const choosePhotos = el.querySelector("[data-choose-photos]");
  const chooseFolder = el.querySelector("[data-choose-folder]");

  const handOn = (files) =>
    files.length > 0 && el.dispatchEvent(new CustomEvent("files-chosen", { detail: { files } }));
  const empty = (chooser) => {
    handOn([...chooser.files]);
    chooser.value = ""; // so that the same photo can be chosen again
  };

  for (const chooser of [input, folder]) chooser.addEventListener("change", () => empty(chooser));
  choosePhotos.addEventListener("click", () => input.click());
  chooseFolder.addEventListener("click", () => folder.click());
  document.addEventListener("paste", (event) => handOn(pastedPhotos(event)));

  el.querySelector("[data-send]").hidden = true;
  input.hidden = true;
  choosePhotos.hidden = false;
  chooseFolder.hidden = !("webkitdirectory" in folder) || !matchMedia("(pointer: fine)").matches;
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
