/** Small pictures of files on this device, made one at a time and only when they come into view. */

const SIDE_PX = 88; // 44 css px on a sharp screen

/**
 * @param {HTMLElement} list what scrolls
 * @returns {{watch(el: HTMLElement, file: File), forget(el: HTMLElement)}} `watch` puts a picture
 *   of the file into the element once that is seen; formats that the browser cannot draw leave it
 */
export function createFilePreviews(list) {
  const waiting = new Map();
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

async function draw(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { resizeHeight: SIDE_PX, resizeQuality: "medium" });
  } catch {
    return null; // HEIC in most browsers, or no picture at all: the neutral icon stays
  }
  const canvas = Object.assign(document.createElement("canvas"), {
    width: SIDE_PX,
    height: SIDE_PX,
  });
  const scale = Math.max(1, SIDE_PX / bitmap.width);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  canvas
    .getContext("2d")
    .drawImage(bitmap, (SIDE_PX - width) / 2, (SIDE_PX - height) / 2, width, height);
  bitmap.close();
  return canvas;
}
