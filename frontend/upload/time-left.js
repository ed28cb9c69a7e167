/** Estimates how long the uploads will still take, from a moving average of their speed. */

const SAMPLE_MS = 1000;
const MEMORY = 0.8; // weight of the average so far against the last second
const SAMPLES_NEEDED = 3;

/** @returns {(sentBytes: number, bytes: number, now: number) => number|null} seconds left, once known */
export function createTimeLeft() {
  let last = null;
  let bytesPerMs = null;
  let samples = 0;

  function learn(sentBytes, now) {
    const speed = Math.max(0, sentBytes - last.sentBytes) / (now - last.now);
    bytesPerMs = bytesPerMs === null ? speed : bytesPerMs * MEMORY + speed * (1 - MEMORY);
    samples += 1;
    last = { sentBytes, now };
  }

  return (sentBytes, bytes, now) => {
    last ??= { sentBytes, now };
    if (now - last.now >= SAMPLE_MS) learn(sentBytes, now);
    if (samples < SAMPLES_NEEDED || !bytesPerMs) return null;
    return (bytes - sentBytes) / bytesPerMs / 1000;
  };
}
