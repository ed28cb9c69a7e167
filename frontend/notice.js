/** One line for a few seconds: what has happened, and where it can be undone a button for it. */

const SHOWN_MS = 10_000;
const UNDOABLE_MS = 45_000; // the server can for a minute

/**
 * @typedef {{id: string, time: number}} Removal of a photo; as performance.now()
 *
 * @param {HTMLElement} el Dispatches `undo` {removals}, the latest first, and `notice-ended`
 *   {hadFocus}.
 */
export function mountNotice(el) {
  const [line, button] = [el.querySelector("p"), el.querySelector("button")];
  let removals = [];
  let timer;

  function end() {
    clearTimeout(timer);
    const hadFocus = el.contains(document.activeElement);
    el.hidden = true;
    removals = [];
    el.dispatchEvent(new CustomEvent("notice-ended", { detail: { hadFocus } }));
  }

  function show(sentence) {
    const now = performance.now();
    removals = removals.filter(({ time }) => now - time < UNDOABLE_MS);
    el.hidden = false;
    line.textContent = sentence;
    button.hidden = removals.length === 0;
    clearTimeout(timer);
    timer = setTimeout(end, SHOWN_MS);
  }

  button.addEventListener("click", () => {
    const undone = removals.toReversed();
    end();
    el.dispatchEvent(new CustomEvent("undo", { detail: { removals: undone } }));
  });

  return {
    /** What can be undone, still can. */
    tell: show,

    /** Photos were removed. Those that are removed one after another come back together. */
    offerUndo(...ids) {
      const time = performance.now();
      const still = removals.filter((removal) => time - removal.time < UNDOABLE_MS);
      removals = [...still, ...ids.map((id) => ({ id, time }))];
      show(removals.length === 1 ? "Photo removed." : `${removals.length} photos removed.`);
      button.focus({ preventScroll: true });
    },

    /** To undo these has failed. @param {Removal[]} failed that may be tried again */
    offerAgain(failed, sentence) {
      removals = failed.toReversed();
      show(sentence);
    },
  };
}
