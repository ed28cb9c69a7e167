/** Opens a menu beside its button, closes it when something is chosen, and does what some browsers'
 * popovers don't: a tap beside one opens the photo there, too; before iOS 18.3 they stay open when
 * somebody taps beside them; before iOS 17 and Firefox 125 there are none. */

const GAP_PX = 8;
const HAS_POPOVERS = "popover" in HTMLElement.prototype;

/**
 * @param {HTMLElement} menu a popover; dispatches `beforetoggle` {newState} in every browser
 * @param {HTMLElement} button that opens and closes it, as its `popovertarget`
 */
export function mountMenu(menu, button) {
  const isOpen = () => menu.matches(HAS_POPOVERS ? ":popover-open" : "[data-open]");

  function close() {
    if (!isOpen()) return;
    if (HAS_POPOVERS) menu.hidePopover();
    else toggle();
  }

  function toggle() {
    const newState = isOpen() ? "closed" : "open";
    menu.dispatchEvent(Object.assign(new Event("beforetoggle"), { newState }));
    if (newState === "closed" && menu.contains(document.activeElement)) button.focus();
    menu.toggleAttribute("data-open", newState === "open");
    document.body.toggleAttribute("data-menu-open", newState === "open");
  }

  /** Below the button, or above one that is at the bottom of the screen. */
  function place({ newState }) {
    const { top, bottom, right } = button.getBoundingClientRect();
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const isLow = top > (2 / 3) * height;
    menu.style.top = isLow ? "auto" : `${bottom + GAP_PX}px`;
    menu.style.bottom = isLow ? `${height - top + GAP_PX}px` : "auto";
    menu.style.right = `${Math.max(GAP_PX, width - right)}px`;
    button.setAttribute("aria-expanded", String(newState === "open")); // for header.js, too
  }

  menu.addEventListener("beforetoggle", place);
  addEventListener("resize", () => isOpen() && place({ newState: "open" })); // a phone was turned
  menu.addEventListener("click", close);
  let isClosing = false; // by a tap beside it
  document.addEventListener("pointerdown", ({ target }) => {
    isClosing = isOpen() && !menu.contains(target) && !button.contains(target);
    if (isClosing) close();
  });
  /** Lets the tap that has closed the menu open no photo. */
  function keepFromPhotos(event) {
    if (!isClosing || event.detail === 0 || !event.target.closest("main")) return; // 0: by a key
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("click", keepFromPhotos, { capture: true });
  if (HAS_POPOVERS) return;
  button.addEventListener("click", toggle);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && close());
}
