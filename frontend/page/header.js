/** Hides the header while the visitor scrolls down, and shows it again while they scroll up; where the
 * screen is small, as header.css says. */

const SLACK_PX = 8; // a finger that rests on the screen still moves

/** @param {HTMLElement} el */
export function mountHeader(el) {
  let lastTop = 0;
  document.addEventListener(
    "scroll",
    () => {
      const top = Math.max(0, window.scrollY); // below 0 where the page bounces
      const isAtStart = top <= el.offsetHeight;
      if (Math.abs(top - lastTop) < SLACK_PX && !isAtStart) return;
      const isInUse = el.querySelector("[aria-expanded=true]");
      el.toggleAttribute("data-away", top > lastTop && !isAtStart && !isInUse);
      lastTop = top;
    },
    { passive: true },
  );
  el.addEventListener("focusin", () => el.removeAttribute("data-away"));
}
