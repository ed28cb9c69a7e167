/** Keeps the page up to date: asks again and again while somebody looks. */

import { Unreachable } from "./api.js";

const POLL_SECONDS = 2;
const LONGEST_PAUSE_SECONDS = 30;

/**
 * Calls `refresh` now and every two seconds; less often while it fails, not at all while the page
 * is hidden, and at once when it is back.
 * @param {() => Promise<void>} refresh rejects with `Unreachable` when the server cannot be asked
 * @param {(isUnreachable: boolean) => void} tell whether that happened twice in a row
 */
export function keepFresh(refresh, tell) {
  let timer;
  let failures = 0;

  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return; // whether the browser is online says nothing of a party's network
    failures = (await succeeds(refresh)) ? 0 : failures + 1;
    tell(failures > 1);
    clearTimeout(timer);
    timer = setTimeout(ask, pauseSeconds(failures) * 1000);
  }

  document.addEventListener("visibilitychange", ask);
  window.addEventListener("online", ask);
  window.addEventListener("pageshow", (event) => event.persisted && ask());
  ask();
}

async function succeeds(refresh) {
  try {
    await refresh();
    return true;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return false;
  }
}

function pauseSeconds(failures) {
  return Math.min(POLL_SECONDS * 2 ** failures, LONGEST_PAUSE_SECONDS);
}
