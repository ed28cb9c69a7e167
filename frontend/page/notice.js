/** One line for a few seconds: what has happened, and where it can be undone a button for it. */

const SHOWN_MS = 10_000;
const USED_MS = 1_000; // between looks whether it still has the pointer or the focus
const UNDOABLE_MS = 45_000; // the server can for a minute

/**
 * @typedef {{id: string, time: number}} Removal of a photo; as performance.now()
 *
 * @param {HTMLElement} el
 * @param {object} on
 * @param {(removals: Removal[]) => void} on.undo the latest first
 * @param {() => void} on.loseFocus called when the notice goes that had the focus
 */
export function mountNotice(el, on) {
  const [line, button] = [el.querySelector("p"), el.querySelector("button")];
  let removals = [];
  let undoOther = null; // of another change than a removal
  let timer;

  function end() {
    clearTimeout(timer);
    const hadFocus = el.contains(document.activeElement);
    delete el.dataset.shown;
    line.textContent = "";
    button.hidden = true;
    removals = [];
    undoOther = null;
    if (hadFocus) on.loseFocus();
  }

  /** Nobody has to hurry who is about to undo. */
  function endUnlessUsed() {
    const isUsed = el.matches(":hover") || el.contains(document.activeElement);
    const isUndoable = undoOther || performance.now() - removals.at(-1)?.time < UNDOABLE_MS;
    if (isUsed && isUndoable) timer = setTimeout(endUnlessUsed, USED_MS);
    else end();
  }

  function show(sentence, undo = null) {
    const now = performance.now();
    removals = removals.filter(({ time }) => now - time < UNDOABLE_MS);
    el.dataset.shown = "";
    line.textContent = sentence;
    undoOther = undo;
    button.hidden = removals.length === 0 && !undo;
    clearTimeout(timer);
    timer = setTimeout(endUnlessUsed, SHOWN_MS);
  }

  /** Over a cover the visitor goes on with the next photo. */
  function takeFocus() {
    if (el.parentElement === document.body) button.focus({ preventScroll: true });
  }

  button.addEventListener("click", () => {
    const undone = [...removals].reverse();
    const undo = undoOther ?? (() => on.undo(undone));
    end();
    undo();
  });

  return {
    /** Into what covers the page, and back: assistive technology hears nothing of what is outside. */
    moveInto: (cover) => cover.append(el),

    /** What it says is of a photo that is no longer looked at. What can be undone, still can. */
    turn: () => button.hidden && end(),

    /** What can be undone, still can. */
    tell: (sentence) => show(sentence),

    /** Photos were changed, which `undo` takes back; removals that came before stay. */
    offer(sentence, undo, takesFocus = true) {
      removals = [];
      show(sentence, undo);
      if (takesFocus) takeFocus();
    },

    /** Whether the button would call this `undo`. */
    offers: (undo) => undoOther === undo,

    /** Photos were removed. Those that are removed one after another come back together. */
    offerUndo(...ids) {
      const time = performance.now();
      const still = removals.filter((removal) => time - removal.time < UNDOABLE_MS);
      removals = [...still, ...ids.map((id) => ({ id, time }))];
      show(removals.length === 1 ? "Photo removed." : `${removals.length} photos removed.`);
      takeFocus();
    },

    /** To undo these has failed. @param {Removal[]} failed that may be tried again */
    offerAgain(failed, sentence) {
      removals = [...failed].reverse();
      show(sentence);
    },
  };
}
