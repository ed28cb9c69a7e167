/** How to join: a code for phones, the address and the passcode in words. It stands in a corner over the
 * photos, and fills the screen between them, and while there are none. */

import { isDecoded } from "./photo.js";

const RETRY_MS = 60_000;
const LINK = /^(?:https?:\/\/)?(.*?)\/?(?:\/join\/(.*))?$/; // with the passcode, where there is one

/**
 * @param {HTMLElement} el the slideshow; hidden parts are those that cannot be had
 * @param {import("../page/visitor.js").Visitor} visitor
 */
export function mountInvitation(el, visitor) {
  /** @returns {NodeListOf<any>} */
  const parts = (name) => el.querySelectorAll(`[data-${name}]`);
  const codes = parts("code");
  let isOpen = false;
  let isWanted = true; // unless the address says otherwise
  let timer;

  async function load() {
    clearTimeout(timer);
    for (const code of codes) code.src = "/qr.svg";
    const isThere = await isDecoded(codes[0]);
    for (const code of codes) code.hidden = !isThere;
    if (isOpen && !isThere) timer = setTimeout(load, RETRY_MS);
  }

  function fill(name, text = "") {
    for (const part of parts(name)) {
      part.hidden = text === "";
      if (part.textContent !== text) part.textContent = text;
    }
  }

  return {
    open(hasCode) {
      isOpen = true;
      isWanted = hasCode;
      if (hasCode) load();
    },

    /** @param {number} total number of photos in the gallery */
    update(total) {
      const { title, welcome, address, mode } = visitor.settings;
      const { closed } = visitor;
      el.toggleAttribute("data-without-code", !isWanted || closed !== "");
      const isFirst = total === 0 && mode !== "own"; // others' photos do not count there
      const scan = isFirst ? "Scan to add the first photo" : "Scan to add your photos";
      const wait = "Photos appear here as they're added";
      fill("title", title);
      fill("welcome", welcome);
      fill("heading", closed || (isWanted ? scan : wait));
      fill("rule", mode === "own" && !closed ? "Only you and the host will see them." : "");
      const [, site, passcode] = LINK.exec(address ?? location.host);
      fill("address", site);
      fill("passcode", passcode && `Passcode: ${decodeURIComponent(passcode)}`);
    },

    close() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}
