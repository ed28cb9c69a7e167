/** One line for a few seconds: what has happened, and where it can be undone a button for it. */

const SHOWN_MS = 10_000;
const UNDOABLE_MS = 45_000; // the server can for a minute

/** @param {HTMLElement} el Dispatches `undo` {ids}, the latest first, and `notice-ended` {hadFocus}. */
export function mountNotice(el) {
  const [line, button] = [el.querySelector("p"), el.querySelector("button")];
  let removals = []; // {id, time}
  let timer;

  function end() {
    clearTimeout(timer);
    const hadFocus = el.contains(document.activeElement);
    el.hidden = true;
    removals = [];
    el.dispatchEvent(new CustomEvent("notice-ended", { detail: { hadFocus } }));
  }

  function show(sentence) {
    el.hidden = false;
    line.textContent = sentence;
    button.hidden = removals.length === 0;
    clearTimeout(timer);
    timer = setTimeout(end, SHOWN_MS);
  }

  button.addEventListener("click", () => {
    const ids = removals.map(({ id }) => id).reverse();
    end();
    el.dispatchEvent(new CustomEvent("undo", { detail: { ids } }));
  });

  return {
    /** What can be undone, still can. */
    tell: show,

    /** A photo was removed. Those that are removed one after another come back together. */
    offerUndo(id) {
      const time = performance.now();
      removals = [...removals.filter((former) => time - former.time < UNDOABLE_MS), { id, time }];
      show(removals.length === 1 ? "Photo removed." : `${removals.length} photos removed.`);
      button.focus({ preventScroll: true });
    },
  };
}
