/** Keeps the screen awake: a phone that falls asleep sends nothing. */

/** @returns {(isWanted: boolean) => void} does nothing where the browser cannot (plain http) */
export function createWakeLock() {
  let lock = null;
  let isWanted = false;

  async function hold() {
    // The browser takes the lock away from a hidden page.
    if (lock || !isWanted || document.hidden || !navigator.wakeLock) return;
    try {
      lock = navigator.wakeLock.request("screen");
      const held = await lock;
      held.addEventListener("release", () => {
        lock = null;
        hold(); // it may be wanted again by now
      });
      if (!isWanted) held.release();
    } catch {
      lock = null; // a low battery forbids it
    }
  }

  document.addEventListener("visibilitychange", hold);

  return (isWantedNow) => {
    if (isWantedNow === isWanted) return;
    isWanted = isWantedNow;
    if (isWanted) hold();
    else lock?.then((held) => held.release()).catch(() => {}); // it was never granted
  };
}
