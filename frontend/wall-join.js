/** How to join: a code for phones, and the address in words. */

import { fetchSettings, Unreachable } from "./api.js";

const RETRY_MS = 60_000;

/** @param {HTMLElement} el hidden parts are those that cannot be had */
export function mountWallJoin(el) {
  const code = el.querySelector("img");
  const words = el.querySelector("[data-address]");
  let isOpen = false;
  let timer;

  async function load() {
    clearTimeout(timer);
    code.src = "/qr.svg";
    const [hasCode, address] = await Promise.all([isDecoded(code), readAddress()]);
    code.hidden = !hasCode;
    words.textContent = (address ?? location.host).replace(/^https?:\/\/|\/$/g, "");
    if (isOpen && !(hasCode && address !== null)) timer = setTimeout(load, RETRY_MS);
  }

  return {
    open() {
      isOpen = true;
      load();
    },

    close() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}

async function isDecoded(image) {
  try {
    await image.decode();
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}

/** Null when the server cannot be asked. */
async function readAddress() {
  try {
    return (await fetchSettings()).address ?? location.host;
  } catch (error) {
    if (error instanceof Unreachable) return null;
    throw error;
  }
}
