/** Pictures that could not be had are asked for again, while they are looked at: what was lost with
 * the network, or with a storage that did not answer, is missing no longer than that. */

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** @param {HTMLImageElement} image its `srcset` is set again, as long as it is in the page */
export function loadImageAgain(image) {
  const later = growingPause();
  image.addEventListener("error", () => {
    const sources = image.srcset;
    later(() => image.isConnected && (image.srcset = sources));
  });
}

/** @param {PhotoSwipe} pswp turning to a picture makes it ask by itself; then it has to be waited for */
export function loadSlideAgain(pswp) {
  let later = growingPause();
  let cancel = () => {};
  pswp.on("loadError", ({ slide }) => {
    if (slide !== pswp.currSlide) return;
    cancel();
    cancel = later(() => pswp.refreshSlideContent(slide.index));
  });
  pswp.on("change", () => {
    cancel();
    later = growingPause();
  });
  pswp.on("destroy", () => cancel());
}

/** @returns {(act: () => void) => () => void} does it after a pause, a longer one each time; what
 *   that returns keeps it from being done */
function growingPause() {
  let pauseMs = FIRST_PAUSE_MS;
  return (act) => {
    const timer = setTimeout(act, pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    return () => clearTimeout(timer);
  };
}
