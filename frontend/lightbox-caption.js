/** What is said of the photo in the lightbox, and what can be done with it. */

import { photoAddress } from "./address.js";
import { audienceOf } from "./audience.js";
import { copyText } from "./clipboard.js";
import { formatBytes, formatDate, formatTaken } from "./format.js";

const DOT = "\u00a0· "; // at the end of a line, not at the next one's beginning
const TOLD_MS = 2_000;
const SHORT = { shown: "Show", hidden: "Hide" };

/**
 * An element of PhotoSwipe's.
 * @param {object} parts
 * @param {() => import("./places.js").Item} parts.shown
 * @param {() => boolean} parts.isRemoved
 * @param {import("./viewer.js").Viewer} parts.viewer
 * @param {(name: string, detail: object) => void} parts.dispatch `removal-asked` {photo},
 *   `sender-chosen` {id}, `visibility-asked` {photo, visibility}, `standing-asked` {photo, standing}
 */
export function captionElement({ shown, isRemoved, viewer, dispatch }) {
  return {
    name: "caption",
    className: "lightbox-caption pswp__hide-on-close",
    appendTo: "root",
    onInit(caption, pswp) {
      caption.append(document.getElementById("lightbox-caption").content.cloneNode(true));
      const part = (name) => caption.querySelector(`[data-${name}]`);
      let lostFocus = null; // what had it when there was nothing more to say of a photo
      const fill = () => {
        if (caption.contains(document.activeElement)) lostFocus = document.activeElement;
        fillCaption(caption, part, isRemoved() ? null : shown().photo, viewer);
        if (caption.hidden) return;
        if ([document.body, pswp.element].includes(document.activeElement)) lostFocus?.focus();
        lostFocus = null;
      };
      pswp.on("change", fill);
      pswp.on("photosRenewed", fill);
      const on = (name, act) => part(name).addEventListener("click", () => act(shown().photo));
      on("remove", (photo) => dispatch("removal-asked", { photo }));
      on("sender", ({ by }) => dispatch("sender-chosen", { id: by.id }));
      on("share", (photo) => share(part("share"), photo));
      on("visibility", (photo) =>
        dispatch("visibility-asked", { photo, visibility: otherVisibilityOf(photo) }),
      );
      on("standing", (photo) =>
        dispatch("standing-asked", { photo, standing: viewer.otherStandingOf(photo) }),
      );
    },
  };
}

function fillCaption(caption, part, photo, viewer) {
  caption.hidden = !photo;
  if (caption.hidden) return;
  part("name").textContent = photo.name;
  const isOwn = viewer.owns(photo);
  // Hosts find all photos of those who tell no name, too.
  part("sender").hidden = !photo.by.name && !(viewer.isHost && photo.by.id);
  part("sender").textContent = `by ${photo.by.name ?? "a guest without a name"}`;
  part("audience").textContent = audienceOf(photo, isOwn);
  part("facts").textContent = [
    photo.taken ? `taken ${formatTaken(photo.taken)}` : `added ${formatDate(photo.uploaded)}`,
    formatBytes(photo.bytes),
    `${photo.width}\u00a0×\u00a0${photo.height}`,
  ].join(DOT);
  part("share").hidden = !viewer.mayShare(photo);
  part("visibility").hidden = !isOwn;
  say(part("visibility"), photo.visibility === "owner" ? `Show ${viewer.others}` : "Make private");
  const standing = viewer.otherStandingOf(photo);
  part("standing").hidden = standing === null;
  say(part("standing"), photo.standing === "pending" ? "Approve" : SHORT[standing]);
  part("remove").hidden = !viewer.mayRemove(photo);
  part("download").href = `${photo.url}?download`;
  part("download").download = photo.name;
  for (const name of ["share", "download", "visibility", "standing", "remove"]) {
    part(name).ariaLabel = `${part(name).dataset.does} ${photo.name}`;
  }
}

function say(button, words = "") {
  button.dataset.does = button.textContent = words;
}

function otherVisibilityOf({ visibility }) {
  return visibility === "owner" ? "everyone" : "owner";
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
