/** The lightbox covers the page as a modal dialog does: nothing behind it has the focus or is read. */

/**
 * Makes what is behind the cover inert, and keeps the Tab key within the cover.
 * @param {HTMLElement} cover a child of the body
 * @returns {{turnTab(event: KeyboardEvent), uncover()}}
 */
export function keepWithin(cover) {
  // The announcer moves into the cover as soon as it has something to say.
  const isBehind = (element) => element !== cover && !element.matches("[role=status]");
  const behind = /** @type {HTMLElement[]} */ ([...document.body.children].filter(isBehind));
  const setInert = (isInert) => behind.forEach((element) => (element.inert = isInert));
  setInert(true);
  return {
    turnTab(event) {
      const all = cover.querySelectorAll("a[href], button:not(:disabled)");
      const stops = /** @type {HTMLElement[]} */ ([...all].filter(isSeen));
      const [last, next] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
      const { activeElement } = document;
      const isWithin = cover.contains(activeElement) && activeElement !== cover;
      if (isWithin && activeElement !== last) return;
      event.preventDefault();
      next?.focus();
    },
    uncover: () => setInert(false),
  };
}

function isSeen(element) {
  return element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible";
}
