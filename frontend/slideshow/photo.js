/** One photo of the slideshow, over a blur of itself; it is seen when it is whole, and not before. */

import { photoName } from "../page/format.js";

const LARGE_PX = 2048;
const PATIENCE_MS = 20_000; // a network that was lost in silence would answer never
const BACKDROP_PX = 32; // what is blurred needs no more
const BACKDROP_ALPHA = 0.36; // over black, so that the photo shines
const SHIFTS = [-2, 0, 2].flatMap((x) => [-2, 0, 2].map((y) => [x, y]));
const MAX_ENLARGEMENT = 3; // of a photo smaller than half the screen

/** @param {HTMLElement} el that shows one photo after another, with the same elements */
export function mountSlide(el) {
  const [image, placeholder] = [el.querySelector("img"), new Image()];
  const caption = el.querySelector("figcaption");
  const canvas = el.querySelector("canvas");
  const context = canvas.getContext("2d");
  canvas.width = canvas.height = BACKDROP_PX;
  let loading = new AbortController();

  return {
    /** @returns {Promise<boolean>} whether it can be shown now */
    async prepare(photo, isNews) {
      placeholder.src = photo.placeholder;
      image.src = photo.animated ? photo.url : photo.thumbnails[LARGE_PX];
      const { signal } = (loading = giveUpAfter(PATIENCE_MS));
      if (!(await isDecoded(image, signal))) return false;
      drawBackdrop(context, (await isDecoded(placeholder, signal)) && placeholder);
      image.style.maxInlineSize = sideLimit(photo.width, photo);
      image.style.maxBlockSize = sideLimit(photo.height, photo);
      this.describe(photo, isNews);
      return true;
    },

    /** Says whose it is, and touches nothing where that is said already. */
    describe(photo, isNews) {
      const [name, words] = [photoName(photo), [isNews && "New", photo.by.name]];
      const text = words.filter(Boolean).join(" · ");
      if (image.alt !== name) image.alt = name;
      if (caption.textContent !== text) caption.textContent = text;
    },

    show() {
      el.dataset.shown = "";
      el.setAttribute("aria-hidden", "false");
    },

    /** Leaves when the next has covered it. */
    hide() {
      delete el.dataset.shown;
      el.setAttribute("aria-hidden", "true");
    },

    /** Gives back the memory, and ends what is being prepared. */
    clear() {
      loading.abort();
      image.removeAttribute("src");
    },
  };
}

function sideLimit(side, { width, height }) {
  const half = (50 * side) / Math.max(width, height);
  return `max(${side * MAX_ENLARGEMENT}px, ${half}vmin)`;
}

/** Once, small, and stretched by the style sheet: a filter would cost a slow machine every frame. The mean
 * of the picture in nine places is its blur; the canvas of Safari has no filter. */
function drawBackdrop(context, picture) {
  const side = 1.5 * BACKDROP_PX; // a blur is thin at the edges
  context.fillStyle = "#0c0c0c";
  context.fillRect(0, 0, BACKDROP_PX, BACKDROP_PX);
  if (!picture) return;
  context.imageSmoothingQuality = "high";
  SHIFTS.forEach(([x, y], index) => {
    context.globalAlpha = 1 / (index + 1);
    context.drawImage(picture, x - side / 6, y - side / 6, side, side);
  });
  context.globalAlpha = 1 - BACKDROP_ALPHA;
  context.fillRect(0, 0, BACKDROP_PX, BACKDROP_PX);
  context.globalAlpha = 1;
}

function giveUpAfter(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller;
}

/**
 * Whether a picture could be loaded and decoded. One that has lost its address, or its network,
 * would never say that it can't: it is waited for until the signal.
 */
export async function isDecoded(image, signal = giveUpAfter(PATIENCE_MS).signal) {
  let giveUp;
  const givenUp = new Promise((_, reject) => {
    giveUp = () => reject(new DOMException("Given up"));
  });
  signal.addEventListener("abort", giveUp);
  try {
    await Promise.race([image.decode(), givenUp]);
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false; // whatever the cause
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
