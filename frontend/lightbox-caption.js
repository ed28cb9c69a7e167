/** What is said of the photo in the lightbox, and what can be done with it. */

import { photoAddress } from "./address.js";
import { copyText } from "./clipboard.js";
import { formatBytes, formatDate } from "./format.js";

const TOLD_MS = 2_000;

/**
 * An element of PhotoSwipe's.
 * @param {(photo: object) => boolean} isOwn
 * @param {(name: string, detail: object) => void} dispatch `removal-asked` {photo}, `sender-chosen`
 *   {id}
 */
export function captionElement(isOwn, dispatch) {
  return {
    name: "caption",
    className: "lightbox-caption pswp__hide-on-close",
    appendTo: "root",
    onInit(caption, pswp) {
      caption.append(document.getElementById("lightbox-caption").content.cloneNode(true));
      const part = (name) => caption.querySelector(`[data-${name}]`);
      const data = () => pswp.currSlide.data;
      const fill = () => fillCaption(caption, part, data(), isOwn);
      pswp.on("change", fill);
      part("remove").addEventListener("click", () =>
        dispatch("removal-asked", { photo: data().item.photo }),
      );
      part("sender").addEventListener("click", () =>
        dispatch("sender-chosen", { id: data().item.photo.by.id }),
      );
      part("share").addEventListener("click", () => share(part("share"), data().item.photo));
    },
  };
}

function fillCaption(caption, part, { item, isRemoved }, isOwn) {
  const { photo } = item;
  caption.hidden = !photo || Boolean(isRemoved);
  if (caption.hidden) return;
  part("name").textContent = photo.name;
  part("sender").hidden = !photo.by?.name;
  part("sender").textContent = `by ${photo.by?.name}`;
  part("facts").textContent = [
    photo.taken ? `taken ${formatDate(photo.taken)}` : `added ${formatDate(photo.uploaded)}`,
    formatBytes(photo.bytes),
    `${photo.width} × ${photo.height}`,
  ].join(" · ");
  part("remove").hidden = !isOwn(photo);
  part("download").href = photo.url;
  part("download").download = photo.name;
  for (const name of ["share", "download", "remove"]) {
    part(name).ariaLabel = `${part(name).dataset.does} ${photo.name}`;
  }
}

/** By the phone's own share sheet; where there is none (plain http, a laptop), to the clipboard. */
async function share(button, photo) {
  const url = new URL(photoAddress(photo.id), location.href).href;
  try {
    if (navigator.share) await navigator.share({ title: photo.name, url });
    else await copyText(url);
  } catch {
    return; // the visitor has changed their mind
  }
  if (navigator.share) return;
  const { textContent } = button;
  button.textContent = "Link copied";
  setTimeout(() => (button.textContent = textContent), TOLD_MS);
}
