/** Who looks at the gallery: what is theirs, and what they may do. */

import { isForEveryone } from "./audience.js";

/** Whether others' photos are shown to who looks. @param {object} settings of the server */
export function seesOthers({ account, mode }) {
  return Boolean(account?.is_host) || mode !== "own";
}

export class Viewer {
  /** Whether they decide what others see. */
  isHost = false;
  #gallery;
  #id = null;
  #photos = 0; // of theirs, as far as we know
  #seesOthers = true;

  /** @param {Promise<object>} settings of the server; before they are known nothing is theirs */
  constructor(gallery, settings) {
    this.#gallery = gallery;
    settings.then(({ guest, account, mode }) => {
      this.#id = guest?.id ?? null;
      this.count(guest?.photos ?? 0);
      this.isHost = Boolean(account?.is_host);
      this.#seesOthers = seesOthers({ account, mode });
    });
  }

  /** The id of who has photos here; null without any. */
  get ownId() {
    return this.hasPhotos ? this.#id : null;
  }

  get hasPhotos() {
    // Another tab may have sent them.
    if (this.#photos === 0)
      this.count(this.#gallery.items.filter((i) => this.owns(i.photo)).length);
    return this.#photos > 0;
  }

  /** @param {number} photos that came to theirs; negative when they went */
  count(photos) {
    this.#photos = Math.max(0, this.#photos + photos);
  }

  owns(photo) {
    return photo !== null && photo.by.id !== null && photo.by.id === this.#id;
  }

  mayRemove(photo) {
    return this.isHost || this.owns(photo);
  }

  /** Who sees what they do not keep to themselves, in words. */
  get others() {
    return this.#seesOthers ? "everyone" : "the host";
  }

  /** Whether its address would show the photo to somebody else. */
  mayShare(photo) {
    return this.#seesOthers && isForEveryone(photo);
  }

  /** How a host would have it stand instead, if anybody asks. */
  otherStandingOf(photo) {
    if (!this.isHost || (this.owns(photo) && photo.standing === "shown")) return null;
    return photo.standing === "shown" ? "hidden" : "shown";
  }
}
