/** A handle beside a long grid, to be anywhere in it at once. */

import { timeInWords } from "./timeline.js";

const WORTH_IT = 6; // screens
const SHOWN_MS = 1_500; // after the last scrolling
const [STEP, LEAP] = [0.02, 0.1]; // of the grid's length, for an arrow key and for a page

/**
 * @param {HTMLElement} el a slider
 * @param {import("./gallery.js").Gallery} gallery
 * @param {import("./grid.js").PhotoGrid} grid
 */
export function mountScrubber(el, gallery, grid) {
  const [thumb, time] = [el.querySelector(".scrubber-thumb"), el.querySelector(".scrubber-time")];
  let timer;
  const length = () => document.documentElement.scrollHeight - window.innerHeight;
  const scrollTo = (share) =>
    window.scrollTo({ top: Math.min(1, Math.max(0, share)) * length(), behavior: "instant" });

  function update() {
    el.hidden = length() < WORTH_IT * window.innerHeight;
    if (el.hidden) return;
    const share = window.scrollY / length();
    el.style.setProperty("--share", String(share));
    el.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    const item = grid.firstInView;
    time.textContent = item ? timeInWords(gallery, item) : "";
    el.setAttribute("aria-valuetext", time.textContent);
  }

  function wake() {
    update();
    el.dataset.awake = "";
    clearTimeout(timer);
    timer = setTimeout(() => delete el.dataset.awake, SHOWN_MS);
  }

  function drag({ clientY }) {
    const { top, height } = el.getBoundingClientRect();
    const half = thumb.offsetHeight / 2;
    scrollTo((clientY - top - half) / (height - 2 * half));
  }

  el.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    el.setPointerCapture(event.pointerId);
    el.dataset.dragged = "";
    drag(event);
  });
  el.addEventListener("pointermove", (event) => "dragged" in el.dataset && drag(event));
  el.addEventListener("lostpointercapture", () => delete el.dataset.dragged);
  el.addEventListener("keydown", (event) => {
    const share = window.scrollY / length();
    const steps = { ArrowUp: -STEP, ArrowDown: STEP, PageUp: -LEAP, PageDown: LEAP };
    const target = { Home: 0, End: 1 }[event.key] ?? share + steps[event.key];
    if (Number.isNaN(target)) return;
    event.preventDefault();
    scrollTo(target);
  });
  document.addEventListener("scroll", wake, { passive: true });
  gallery.addEventListener("photos-changed", update);
}
