/** Slots: the actions for one photo or several, each an icon over a word. A slot never moves; what can't
 * be done just now is disabled, keeps its place, and keeps the focus. */

/**
 * @param {HTMLElement} slot
 * @param {(event: Event) => void} act
 */
export function onSlot(slot, act) {
  slot.addEventListener("click", (event) => {
    if (slot.getAttribute("aria-disabled") === "true") event.preventDefault();
    else act(event);
  });
}

export function enableSlot(slot, isEnabled) {
  slot.setAttribute("aria-disabled", !isEnabled);
}

/**
 * @param {HTMLElement} slot
 * @param {string} icon of a symbol in index.html
 * @param {string} word below it
 * @param {string} [name] what a screen reader says; the word is part of it
 */
export function fillSlot(slot, icon, word, name = word) {
  slot.querySelector("use").setAttribute("href", `#icon-${icon}`);
  slot.querySelector("span").textContent = word;
  slot.setAttribute("aria-label", name);
}

/** Makes one's own photos private; or, if all of them are, shows them to others again. */
export function fillVisibilitySlot(slot, photos, visitor) {
  if (visibilityAfter(photos) === "owner") fillSlot(slot, "lock", "Private", "Make private");
  else {
    const word = visitor.seesOthers ? "Everyone" : "Host";
    fillSlot(slot, "people", word, `Share with ${visitor.others}`);
  }
}

/** The visibility that the slot gives to these photos. */
export function visibilityAfter(photos) {
  const arePrivate = photos.length > 0 && photos.every(({ visibility }) => visibility === "owner");
  return arePrivate ? "everyone" : "owner";
}
