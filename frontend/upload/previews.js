/** Draws small pictures of files on this device; in a list one at a time, and only when they come into
 * view. */

const HEIGHT_PX = 88; // 44 css px on a sharp screen

/**
 * @param {HTMLElement} list what scrolls
 * @returns {{watch(el: HTMLElement, file: File), forget(el: HTMLElement)}} `watch` puts a picture
 *   of the file into the element once that is seen; formats that the browser cannot draw leave it
 */
export function createFilePreviews(list) {
  const waiting = new Map(); // element → its file, and whether it is seen
  let isDrawing = false;

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const wish = waiting.get(target); // none, when it was forgotten just now
        if (wish) wish.isSeen = isIntersecting;
      }
      drawNext();
    },
    { root: list },
  );

  async function drawNext() {
    const [el, wish] = [...waiting].find(([, { isSeen }]) => isSeen) ?? [];
    if (!el || isDrawing) return;
    isDrawing = true;
    forget(el);
    const picture = await draw(wish.file);
    if (picture) el.replaceChildren(picture);
    isDrawing = false;
    drawNext();
  }

  function watch(el, file) {
    waiting.set(el, { file, isSeen: false });
    observer.observe(el);
  }

  function forget(el) {
    waiting.delete(el);
    observer.unobserve(el);
  }

  return { watch, forget };
}

/** @returns {Promise<HTMLCanvasElement|null>} null for formats that the browser cannot draw */
export async function draw(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { resizeHeight: HEIGHT_PX, resizeQuality: "medium" });
  } catch {
    return null; // HEIC in most browsers, or no picture at all: the neutral icon stays
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height]; // tray.css cuts out the middle
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
  return canvas;
}
