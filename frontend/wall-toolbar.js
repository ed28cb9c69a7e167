/** What can be done with the wall: there when somebody moves, gone when all are watching. */

const AWAKE_MS = 3_000;

/**
 * @param {HTMLElement} el
 * @param {HTMLElement} screen what fills the screen; it is `data-awake` while somebody moves. A
 *   dialog itself cannot.
 * @param {() => void} leave the visitor wants to
 */
export function mountWallToolbar(el, screen, leave) {
  const fullScreen = el.querySelector("[data-full-screen]");
  const isFull = () => document.fullscreenElement === screen;
  let isMeant = false; // to end, and not by Escape
  let timer;
  let place = "";

  function wake() {
    screen.dataset.awake = "";
    clearTimeout(timer);
    timer = setTimeout(() => delete screen.dataset.awake, AWAKE_MS);
  }

  function enter() {
    screen.requestFullscreen?.().catch(() => {}); // then it fills the window
  }

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
    fullScreen.textContent = isFull() ? "Exit full screen" : "Full screen";
    if (isFull()) {
      if (!screen.checkVisibility()) exit(); // it was left meanwhile
      return;
    }
    // The browser takes the Escape that ends full screen for itself; it is meant for the wall. A
    // browser that nobody is at has its own reasons.
    if (!isMeant && document.hasFocus()) leave();
    isMeant = false;
  });
  fullScreen.hidden = !document.fullscreenEnabled;
  fullScreen.addEventListener("click", () => (isFull() ? exit() : enter()));
  el.querySelector("[data-leave]").addEventListener("click", leave);

  return {
    open() {
      wake();
      if (navigator.userActivation?.isActive) enter(); // not without somebody's doing
    },

    close() {
      clearTimeout(timer);
      if (isFull()) exit();
    },
  };
}
