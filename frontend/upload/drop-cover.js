/** Shows that the whole page is a target while files are dragged over it, and asks who is to see what
 * is dropped: one half of it is for everyone, the other for the visitor alone. */

const LEFT_MS = 100;

/**
 * @param {HTMLElement} el covers the page; Dropzone beneath it takes what is dropped.
 * @param {string} words that say who will see what is dropped on the half for everyone
 */
export function mountDropCover(el, words) {
  const dropped = new Map(); // name of a folder that is being read → the half that it was dropped on
  let drops = 0; // that are being read
  let timer;
  el.querySelector("[data-words]").textContent = words;

  function open({ dataTransfer, clientX, clientY }) {
    clearTimeout(timer);
    if (!dataTransfer.types.includes("Files")) return;
    const { left, top } = el.querySelector("[data-half=owner]").getBoundingClientRect();
    el.dataset.half = clientX >= left && clientY >= top ? "owner" : "everyone";
    el.toggleAttribute("data-open", true);
  }

  function close() {
    clearTimeout(timer);
    el.toggleAttribute("data-open", false);
  }

  const listen = (name, act) => document.addEventListener(name, act, true);
  listen("dragenter", open);
  listen("dragover", open);
  listen("dragleave", ({ relatedTarget }) => {
    // Elements under the pointer may come and go, so that no count of them holds: the drag has left
    // the window when it enters nothing. In Safari that is so of every element, but `dragover`
    // follows at once.
    clearTimeout(timer);
    if (relatedTarget === null) timer = setTimeout(close, LEFT_MS);
  });
  listen("drop", (event) => {
    open(event);
    close();
    drops += 1;
    for (const item of event.dataTransfer?.items ?? []) {
      const entry = item.webkitGetAsEntry?.();
      // Nobody knows which of two folders of one name a file is from: then it is private.
      const isPrivate = dropped.get(entry?.name) === "owner";
      if (entry?.isDirectory && !isPrivate) dropped.set(entry.name, el.dataset.half);
    }
  });
  listen("dragend", close);
  listen("pointermove", close); // there is none during a drag, so it has ended
  // A picture of this page that is dragged over it would count as a file and be uploaded again.
  listen("dragstart", (event) => event.target.closest?.("a, img") && event.preventDefault());

  return {
    /** Says on all of it, in this sentence, that nothing is taken; empty while something is. */
    set closed(sentence) {
      el.toggleAttribute("data-closed", sentence !== "");
      el.querySelector("[data-closed-words]").textContent = sentence;
    },

    /**
     * Who is to see a file that was dropped. Files come at once, those of a folder when it is read.
     * @returns {"everyone"|"owner"}
     */
    visibilityOf: ({ fullPath = "" }) => dropped.get(fullPath.split("/")[0]) ?? el.dataset.half,

    /** Called when all of a drop has been added. */
    endDrop() {
      drops -= 1;
      if (drops === 0) dropped.clear();
    },
  };
}
