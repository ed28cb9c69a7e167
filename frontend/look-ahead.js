/** How far ahead of a scrolling visitor one has to look, so that an answer does not come too late. */

const FAST = 3; // px a millisecond
const ANSWER_MS = 200;

/**
 * @returns {(top: number) => number} px from `top` to where the visitor will be; zero for who does
 *   not scroll fast. To be called for each frame.
 */
export function createLookAhead() {
  let last = { top: 0, time: 0 };

  return (top) => {
    const now = performance.now();
    const speed = (top - last.top) / Math.max(1, now - last.time);
    last = { top, time: now };
    return Math.abs(speed) > FAST ? speed * ANSWER_MS : 0;
  };
}
