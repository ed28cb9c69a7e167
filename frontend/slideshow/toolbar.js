/** What can be done with the slideshow: there when somebody moves, gone when all are watching. */

const AWAKE_MS = 3_000;

/**
 * @param {HTMLElement} screen what fills the screen; it is `data-awake` while somebody moves, and
 *   while the slideshow is paused. A dialog itself cannot fill it.
 * @param {{onLeave: () => void, onPause: () => void}} wishes of the visitor
 */
export function mountToolbar(screen, { onLeave, onPause }) {
  const button = (name) => screen.querySelector(`[data-${name}]`);
  const isFull = () => document.fullscreenElement === screen;
  let isMeant = false; // to end, and not by Escape
  let isPaused = false;
  let timer;
  let place = "";

  function wake() {
    screen.dataset.awake = "";
    clearTimeout(timer);
    timer = setTimeout(() => isPaused || delete screen.dataset.awake, AWAKE_MS);
  }

  const enter = () => screen.requestFullscreen?.().catch(() => {}); // then it fills the window

  function exit() {
    isMeant = true;
    document.exitFullscreen().catch(() => (isMeant = false)); // it has just ended by itself
  }

  screen.addEventListener("pointermove", ({ screenX, screenY }) => {
    const isStill = place === `${screenX} ${screenY}`; // what is below it has moved
    place = `${screenX} ${screenY}`;
    if (!isStill) wake();
  });
  screen.addEventListener("pointerdown", wake);
  screen.addEventListener("fullscreenchange", () => {
    button("full-screen").textContent = isFull() ? "Exit full screen" : "Full screen";
    if (isFull() && screen.getClientRects().length === 0) exit(); // it was left meanwhile
    if (isFull()) return;
    // The browser takes the Escape that ends full screen for itself; it is meant for the slideshow. A
    // browser that nobody is at has its own reasons.
    if (!isMeant && document.hasFocus()) onLeave();
    isMeant = false;
  });
  button("full-screen").hidden = !document.fullscreenEnabled;
  button("full-screen").addEventListener("click", () => (isFull() ? exit() : enter()));
  button("leave").addEventListener("click", onLeave);
  button("pause").addEventListener("click", onPause);

  return {
    /** @param {boolean} [isByHand] browsers allow no full screen without somebody's doing */
    open(isByHand = false) {
      if (isByHand) enter();
    },

    /** Shows whether the slideshow is paused, and wakes. */
    update(isPausedNow) {
      isPaused = isPausedNow;
      button("pause").textContent = isPaused ? "Resume" : "Pause";
      wake();
    },

    close() {
      clearTimeout(timer);
      if (isFull()) exit();
    },
  };
}
