/** The visitor who looks at this page: which photos are theirs and what they may do. Photos are sent by
 * guests; a visitor is one too as soon as they have sent some. Beside it, who can see a photo. */

import { fetchSettings } from "./api.js";
import { deviceMemory } from "./memory.js";
import { orUndefined } from "./patience.js";

/** Where the visitor's name is remembered, see people/name.js. */
export const NAME_KEPT_AS = "dropwall-sender";

/** Forgets who used this device: whoever comes next is somebody else. */
export function forgetVisitor() {
  deviceMemory.forget(NAME_KEPT_AS);
}

/** Dispatches `visitor-changed` when it is known who they are, when they have photos for the first time,
 * or no longer, and when they may add some no longer, or again. */
export class Visitor extends EventTarget {
  /** The guest's id; null before it is known, and where the browser keeps no cookies. */
  id = null;
  /** Whether they decide what others see. */
  isHost = false;
  hasPhotos = false;
  /** Who sees what guests add; null before it is known. @type {"everyone"|"own"|"approval"|null} */
  mode = null;
  /** Whether the photos of others are shown to them. */
  seesOthers = true;
  /** Until when photos were collected, in a sentence; empty while they are. */
  closed = "";
  /** What the server has told, empty before. @type {Partial<import("./api.js").Settings>} */
  settings = {};

  /** @param {Partial<import("./api.js").Settings>} settings of the server, empty if it can't be reached */
  become(settings) {
    const { guest, account, mode, closed } = settings;
    this.settings = settings;
    this.id = guest?.id ?? null;
    this.isHost = Boolean(account?.is_host);
    this.mode = mode ?? null;
    this.closed = closed ?? "";
    this.seesOthers = this.isHost || mode !== "own";
    this.hasPhotos ||= guest?.photos > 0;
    this.dispatchEvent(new Event("visitor-changed"));
  }

  setHasPhotos(hasPhotos) {
    if (this.hasPhotos === hasPhotos) return;
    this.hasPhotos = hasPhotos;
    this.dispatchEvent(new Event("visitor-changed"));
  }

  /** Notes whether a host has closed the gallery. A list may be from the browser's store: the words
   * that it has for how long ago that was come second to those of the settings. */
  setClosed(closed) {
    if (Boolean(closed) === Boolean(this.closed)) return;
    this.closed = closed ?? "";
    this.dispatchEvent(new Event("visitor-changed"));
  }

  /** Notes that they have photos, if one of these is theirs. */
  see(photos) {
    if (!this.hasPhotos && photos.some((photo) => this.owns(photo))) this.setHasPhotos(true);
  }

  /** One of their photos is gone: asks the server whether it was the last. */
  async recount() {
    const settings = await orUndefined(fetchSettings());
    if (settings?.guest) this.setHasPhotos(settings.guest.photos > 0);
  }

  /** @param {import("./api.js").Photo|null|undefined} photo nothing if it isn't loaded */
  owns(photo) {
    return Boolean(photo?.by.id) && photo.by.id === this.id;
  }

  mayRemove(photo) {
    return this.isHost || this.owns(photo);
  }

  /** Whether its address would show the photo to every guest. */
  mayShare(photo) {
    return this.mode !== null && this.mode !== "own" && isShared(photo);
  }

  /** Whether the photo may be on a big screen, which everybody in the room sees. Where guests see only
   * their own photos, a host has those of all in the gallery, but shows none of others. */
  mayProject(photo) {
    return this.mayShare(photo) || (this.owns(photo) && isShared(photo));
  }

  /** Who can see a photo that isn't private, in words. */
  get others() {
    return this.seesOthers ? "everyone" : "the host";
  }

  /** The moderation state that a button offers for a photo; null without a button. */
  oppositeStanding(photo) {
    if (!this.isHost || (this.owns(photo) && photo.standing === "shown")) return null;
    return photo.standing === "shown" ? "hidden" : "shown";
  }
}

/** Whether neither its owner nor a host keeps the photo from others. */
function isShared({ visibility, standing }) {
  return visibility === "everyone" && standing === "shown";
}

/** The badge on the tile of a photo that not everyone can see; empty for the others. */
export function badgeOf({ visibility, standing }) {
  if (visibility === "owner") return "Private";
  return { pending: "Pending", hidden: "Hidden" }[standing] ?? "";
}

/**
 * Who can see a photo, in a few words; empty for photos of others that everyone can see.
 * @param {import("./api.js").Photo} photo
 * @param {Visitor} visitor
 */
export function audienceOf(photo, visitor) {
  const isOwn = visitor.owns(photo);
  if (photo.visibility === "owner") return "Only visible to you";
  // Otherwise "Private" below it, which makes it so, could be read as what it is.
  if (isOwn && visitor.mayShare(photo)) return "Visible to everyone";
  if (photo.standing === "pending") return "Pending approval";
  if (photo.standing === "hidden") return isOwn ? "Hidden by the host" : "Hidden from guests";
  return "";
}
