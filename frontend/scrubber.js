/** A handle beside a long wall, to be anywhere in it at once. */

const WORTH_IT = 6; // screens
const SHOWN_MS = 1_500; // after the last scrolling
const [STEP, LEAP] = [0.02, 0.1]; // of the wall, for an arrow key and for a page

/**
 * @param {HTMLElement} el a slider
 * @param {() => string} dateInView of the first photo that can be seen
 */
export function mountScrubber(el, dateInView) {
  const [thumb, date] = [el.querySelector(".scrubber-thumb"), el.querySelector(".scrubber-date")];
  let timer;
  const length = () => document.documentElement.scrollHeight - window.innerHeight;
  const scrollTo = (share) =>
    window.scrollTo({ top: Math.min(1, Math.max(0, share)) * length(), behavior: "instant" });

  function update() {
    el.hidden = length() < WORTH_IT * window.innerHeight;
    if (el.hidden) return;
    const share = window.scrollY / length();
    el.style.setProperty("--share", share);
    el.ariaValueNow = Math.round(share * 100);
    el.ariaValueText = date.textContent = dateInView();
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
  return { update };
}
