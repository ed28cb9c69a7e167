/** What is said of the photo in the lightbox, and what can be done with it. */

import { photoAddress } from "./address.js";
import { formatBytes, formatWhen, photoName } from "../page/format.js";
import {
  enableSlot,
  fillSlot,
  fillVisibilitySlot,
  onSlot,
  visibilityAfter,
} from "../page/slots.js";
import { audienceOf } from "../page/visitor.js";

const DOT = "\u00a0· "; // at the end of a line, not at the next one's beginning
const RESTED_MS = 400; // then a screen reader says what is shown
const RARE_FORMAT = /\.(heic|avif)$/; // which many programs can't open
const MODERATION = { shown: ["tick", "Show"], hidden: ["hide", "Hide"] };

/**
 * An element of PhotoSwipe's.
 * @param {import("./lightbox.js").Parts & {shown: () => import("../gallery/places.js").Item,
 *   isRemoved: () => boolean, place: () => string}} parts
 */
export function captionElement(parts) {
  const { shown, isRemoved, visitor } = parts;
  return {
    name: "caption",
    className: "lightbox-caption pswp__hide-on-close",
    appendTo: "root",
    onInit(caption, pswp) {
      caption.append(document.getElementById("lightbox-caption").content.cloneNode(true));
      const part = (name) => caption.querySelector(`[data-${name}]`);
      const say = sayOnceRested(part("said"));
      const fill = () => {
        const photo = isRemoved() ? null : shown().photo;
        part("count").textContent = parts.place();
        fillWords(part, photo, visitor);
        fillSlots(part, photo, visitor);
        if (photo) say(photo.id, `${parts.place()}. ${photoName(photo)}`);
        else if (isRemoved()) say("removed", "This photo was removed.");
      };
      // What the caption grows by, the photo gives way.
      const fit = () => pswp.opener.isOpen && pswp.updateSize(true);
      new ResizeObserver(fit).observe(caption);
      for (const event of ["change", "photosRenewed"]) pswp.on(event, fill);
      fill();
      const on = (name, act) => onSlot(part(name), () => act(shown().photo));
      on("guest", ({ by }) => parts.onGuest(by));
      on("share", (photo) => share(part("share"), photo, parts.notice.tell));
      on("visibility", (photo) => parts.onVisibility(photo, visibilityAfter([photo])));
      on("standing", (photo) => parts.onStanding(photo, visitor.oppositeStanding(photo)));
      on("remove", parts.onRemove);
      on("info", () => {
        part("facts").hidden = !part("facts").hidden;
        part("info").setAttribute("aria-expanded", !part("facts").hidden);
      });
    },
  };
}

function fillWords(part, photo, visitor) {
  const isOwn = visitor.owns(photo);
  const name = photo?.by.name ?? (isOwn ? "You" : "Anonymous guest");
  // Hosts find all photos of those who tell no name, too.
  const isFound = Boolean(photo?.by.name || (visitor.isHost && photo?.by.id));
  part("guest").hidden = !isFound;
  part("nobody").hidden = isFound;
  part("guest").setAttribute("aria-label", `All photos by ${name}`);
  const words = photo && {
    guest: name,
    nobody: name,
    audience: audienceOf(photo, visitor),
    when: `${photo.taken ? "" : "Added "}${formatWhen(photo)}`,
    file: `${photo.name}${DOT}${formatBytes(photo.bytes)}${DOT}${pixelsOf(photo)}`,
  };
  for (const line of ["guest", "nobody", "audience", "when", "file"]) {
    part(line).textContent = words?.[line] ?? "";
  }
}

function pixelsOf({ width, height }) {
  return `${width}\u00a0×\u00a0${height}`;
}

function fillSlots(part, photo, visitor) {
  enableSlot(part("share"), photo && visitor.mayShare(photo));
  enableSlot(part("download"), photo);
  enableSlot(part("visibility"), visitor.owns(photo));
  enableSlot(part("info"), photo);
  enableSlot(part("remove"), photo && visitor.mayRemove(photo));
  fillVisibilitySlot(part("visibility"), photo ? [photo] : [], visitor);
  part("standing").hidden = !visitor.isHost;
  const standing = photo && visitor.oppositeStanding(photo);
  enableSlot(part("standing"), standing);
  const isWaiting = photo?.standing === "pending";
  const [icon, word] = isWaiting ? ["tick", "Approve"] : MODERATION[standing ?? "hidden"];
  fillSlot(part("standing"), icon, word);
  const isRare = photo && !photo.animated && RARE_FORMAT.test(photo.url);
  if (!isRare && document.activeElement === part("jpeg")) part("info").focus();
  part("jpeg").hidden = !isRare;
  if (!photo) return;
  part("download").href = `${photo.url}?download`;
  part("download").download = photo.name;
  part("jpeg").href = `${photo.url}?as=jpeg&download`;
}

/** Says what is shown once the visitor rests on it; at first the dialog is described by it. */
function sayOnceRested(region) {
  let said;
  let timer;
  return (subject, words) => {
    if (subject === said) return; // it is only counted anew, or its guest has another name
    clearTimeout(timer);
    const say = () => (region.textContent = words);
    if (said) timer = setTimeout(say, RESTED_MS);
    else say();
    said = subject;
  };
}

/** By the phone's own share sheet; where there is none (plain http, a laptop), to the clipboard. */
async function share(button, photo, tell) {
  const url = photoAddress(photo.id);
  if (navigator.share) {
    return navigator.share({ title: photoName(photo), url }).catch(() => {}); // not sent after all
  }
  const isCopied = (await writeToClipboard(url)) || copy(url, button);
  tell(isCopied ? "Link copied." : "Couldn't copy the link. It's in the address bar.");
}

/** False where there is no clipboard, as on plain http, or it is forbidden. */
async function writeToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Copies on plain http, where browsers know no other way than what is selected; a modal dialog keeps
 * the focus within itself.
 * @returns {boolean} whether it was copied
 */
function copy(text, button) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true; // no keyboard on a phone
  field.className = "visually-hidden";
  field.addEventListener("copy", (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  });
  button.after(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  button.focus();
  return isCopied;
}
