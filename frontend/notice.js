/** One line for a few seconds: what has happened, and where it can be undone a button for it. */

const SHOWN_MS = 10_000;

/** @param {HTMLElement} el Dispatches `undo` {ids}, and `notice-ended` {hadFocus}. */
export function mountNotice(el) {
  const [line, button] = [el.querySelector("p"), el.querySelector("button")];
  let ids = [];
  let timer;

  function end() {
    clearTimeout(timer);
    const hadFocus = el.contains(document.activeElement);
    el.hidden = true;
    ids = [];
    el.dispatchEvent(new CustomEvent("notice-ended", { detail: { hadFocus } }));
  }

  function show(sentence) {
    el.hidden = false;
    line.textContent = sentence;
    button.hidden = ids.length === 0;
    clearTimeout(timer);
    timer = setTimeout(end, SHOWN_MS);
  }

  button.addEventListener("click", () => {
    const undone = ids;
    end();
    el.dispatchEvent(new CustomEvent("undo", { detail: { ids: undone } }));
  });

  return {
    tell(sentence) {
      ids = [];
      show(sentence);
    },

    /** A photo was removed. Those that are removed one after another come back together. */
    offerUndo(id) {
      ids.push(id);
      show(ids.length === 1 ? "Photo removed." : `${ids.length} photos removed.`);
      button.focus({ preventScroll: true });
    },
  };
}
