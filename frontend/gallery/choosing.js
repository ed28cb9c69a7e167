/** How photos are chosen in the grid: by a long press, shift-click, the tick on a tile, Space or x. */

import { mountChosenBar } from "./chosen-bar.js";
import { idAt } from "./tiles.js";

const PRESS_MS = 450; // a moment before a phone shows its own menu
const MOVED_PX = 10; // beyond that a finger scrolls

/**
 * @param {{list: HTMLElement, bar: HTMLElement}} elements the list of tiles, and the bar
 * @param {Parameters<typeof mountChosenBar>[1]} parts
 */
export function mountChoosing({ list, bar }, parts) {
  const { chosen } = parts;
  const { remove } = mountChosenBar(bar, parts);
  choosePressed(list, chosen);
  leaveByBack(chosen);

  // Before the grid opens it.
  const first = { capture: true };
  list.addEventListener("click", (event) => chooseClicked(event, chosen), first);
  list.addEventListener("keydown", (event) => chooseByKey(event, chosen, remove), first);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !chosen.isOn) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest("input, select, dialog, [popover]")) chosen.end();
  });
}

function take(event) {
  event.preventDefault();
  event.stopPropagation();
}

function chooseClicked(event, chosen) {
  const id = idAt(event);
  const isTick = event.target.closest(".photo-tile-tick") !== null;
  if (!id || !(chosen.isOn || isTick || event.shiftKey)) return;
  if ((event.ctrlKey || event.metaKey) && !isTick) return; // opens a tab
  take(event);
  if (event.shiftKey) chosen.chooseTo(id);
  else chosen.toggle(id);
}

function chooseByKey(event, chosen, onRemove) {
  const { key, target } = event;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const isButton = target.closest("button") !== null; // which has its own way with Space
  const id = idAt(event);
  if (id && (key === "x" || (key === " " && !isButton))) {
    take(event);
    if (!event.repeat) chosen.toggle(id);
  } else if (chosen.ids.size > 0 && ["Delete", "Backspace"].includes(key)) {
    take(event);
    if (!event.repeat) onRemove();
  }
}

function choosePressed(list, chosen) {
  let start = null; // where a finger has come down
  let isPressed = false; // the click that may follow is not one more
  let timer;
  list.addEventListener("pointerdown", (event) => {
    const id = idAt(event);
    clearTimeout(timer);
    isPressed = false;
    start = event.pointerType === "mouse" ? null : event;
    if (!start || !id) return;
    timer = setTimeout(() => {
      isPressed = true;
      if (!chosen.ids.has(id)) chosen.toggle(id);
    }, PRESS_MS);
  });
  list.addEventListener("pointermove", ({ clientX, clientY }) => {
    const far = start && Math.hypot(clientX - start.clientX, clientY - start.clientY);
    if (far > MOVED_PX) clearTimeout(timer);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    list.addEventListener(end, () => clearTimeout(timer));
  }
  list.addEventListener("contextmenu", (event) => start && event.preventDefault());
  const swallow = (event) => isPressed && event.detail > 0 && take(event);
  list.parentElement.addEventListener("click", swallow, { capture: true });
}

/** Going back ends choosing, as people do on a phone, before it leaves the page. */
function leaveByBack(chosen) {
  const isInHistory = () => Boolean(history.state?.isChoosing);
  let isLeaving = false; // until the browser has gone back by our own wish

  function leave() {
    isLeaving = true;
    history.back();
  }

  function enter() {
    history.scrollRestoration = "manual"; // of the gallery's own address, whose place is kept
    history.pushState({ isChoosing: true }, "");
  }

  if (isInHistory()) leave(); // after a reload nothing is chosen
  chosen.addEventListener("chosen-changed", () => {
    if (isLeaving || chosen.isOn === isInHistory()) return;
    if (chosen.isOn) enter();
    else leave();
  });
  window.addEventListener("popstate", () => {
    const hasLeft = isLeaving;
    isLeaving = false;
    if (isInHistory()) {
      if (!chosen.isOn) leave(); // the visitor has gone forward
    } else if (chosen.isOn && hasLeft)
      enter(); // choosing has begun anew meanwhile
    else if (chosen.isOn || hasLeft) {
      setTimeout(() => (history.scrollRestoration = "auto")); // the mode is each address's own
      if (chosen.isOn) chosen.end();
    }
  });
}
