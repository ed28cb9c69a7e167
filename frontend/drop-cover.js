/** Shows that the whole page is a target while files are dragged over it. */

/**
 * @param {HTMLElement} el covers the page; Dropzone beneath it takes what is dropped.
 * @param {() => string} words that say what a drop does
 */
export function mountDropCover(el, words) {
  // Every element that is entered is left again: the drag is over the page while one is open.
  let depth = 0;
  const set = (newDepth) => {
    depth = Math.max(0, newDepth);
    if (depth > 0) el.querySelector("p").textContent = words();
    el.toggleAttribute("data-open", depth > 0);
  };
  const listen = (name, step) =>
    document.addEventListener(name, (event) => carriesFiles(event) && set(step()), true);

  listen("dragenter", () => depth + 1);
  listen("dragleave", () => depth - 1);
  listen("drop", () => 0);
  document.addEventListener("dragend", () => set(0), true);
  // A picture of this page that is dragged over it would count as a file and be uploaded again.
  document.addEventListener(
    "dragstart",
    (event) => event.target.closest?.("a, img") && event.preventDefault(),
  );
}

function carriesFiles(event) {
  return event.dataTransfer.types.includes("Files");
}
