/** One photo on the wall, over a blur of itself; it is seen when it is whole, and not before. */

const LARGE_PX = 2048;
const PATIENCE_MS = 20_000; // a network that was lost in silence would answer never
const BACKDROP_PX = 32; // what is blurred needs no more
const MAX_ENLARGEMENT = 3; // of a photo smaller than half the screen

/** @param {HTMLElement} el that shows one photo after another, with the same elements */
export function mountWallPhoto(el) {
  const [image, placeholder] = [el.querySelector("img"), new Image()];
  const canvas = el.querySelector("canvas");
  const context = canvas.getContext("2d");
  canvas.width = canvas.height = BACKDROP_PX;
  let loading = new AbortController();

  return {
    /** @returns {Promise<boolean>} whether it can be shown now */
    async prepare(photo) {
      placeholder.src = photo.placeholder;
      image.src = photo.animated ? photo.url : photo.thumbnails[LARGE_PX];
      loading = new AbortController();
      const signal = AbortSignal.any([loading.signal, AbortSignal.timeout(PATIENCE_MS)]);
      if (!(await isDecoded(image, signal))) return false;
      drawBackdrop(context, (await isDecoded(placeholder, signal)) && placeholder);
      describe(el, photo);
      return true;
    },

    show() {
      el.dataset.shown = "";
      el.ariaHidden = "false";
    },

    /** Leaves when the next has covered it. */
    hide() {
      delete el.dataset.shown;
      el.ariaHidden = "true";
    },

    /** Gives back the memory, and ends what is being prepared. */
    clear() {
      loading.abort();
      image.removeAttribute("src");
    },
  };
}

function describe(el, photo) {
  const { name } = photo.by;
  const image = el.querySelector("img");
  image.alt = name ? `${photo.name}, by ${name}` : photo.name;
  image.style.maxInlineSize = sideLimit(photo.width, photo);
  image.style.maxBlockSize = sideLimit(photo.height, photo);
  el.querySelector("figcaption").textContent = name ?? "";
}

function sideLimit(side, { width, height }) {
  const half = (50 * side) / Math.max(width, height);
  return `max(${side * MAX_ENLARGEMENT}px, ${half}vmin)`;
}

/** Once, small, and stretched by the style sheet: a filter would cost a slow machine every frame. */
function drawBackdrop(context, picture) {
  const margin = BACKDROP_PX / 4; // a blur is thin at the edges
  context.filter = "none";
  context.fillStyle = "#0c0c0c";
  context.fillRect(0, 0, BACKDROP_PX, BACKDROP_PX);
  if (!picture) return;
  context.filter = "blur(2px) saturate(1.5)";
  context.globalAlpha = 0.36;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, -margin, -margin, BACKDROP_PX + 2 * margin, BACKDROP_PX + 2 * margin);
  context.globalAlpha = 1;
}

/** Without its address a picture would never say that it cannot be decoded: do not wait for it. */
async function isDecoded(image, signal) {
  const givenUp = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    await Promise.race([image.decode(), givenUp]);
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false; // whatever the cause
    throw error;
  }
}
