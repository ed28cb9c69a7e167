/** What a visitor does to one photo, or to several at once: removes them, undoes that, changes who can
 * see them. */

import {
  Refused,
  changeVisibility,
  moderatePhotos,
  removeGuestPhotos,
  removePhoto,
  restorePhotos,
} from "../page/api.js";
import { formatCount, formatNumber } from "../page/format.js";
import { errorOf, orUndefined, sentenceOf } from "../page/patience.js";

const AT_ONCE = 4; // requests
const MODERATED = {
  "pending shown": "approved",
  "hidden shown": "shown again",
  "pending hidden": "hidden",
  "shown hidden": "hidden",
};

/**
 * @typedef {import("../page/api.js").Photo} Photo
 * @typedef {{done: Photo[], failed: Photo[], error: Error|undefined}} Outcome of requests for photos,
 *   with the first error
 */

export class PhotoActions {
  #gallery;
  #grid;
  #visitor;
  #notice;
  #lightbox;
  #beingRemoved = new Set(); // ids
  #changes = new Map(); // photo's id → the last change of it
  #moderated = new Map(); // photo's id → {from, to}, the states that Undo exchanges
  #neighbourId; // of the photo that was removed last

  /**
   * @param {object} parts
   * @param {import("./gallery.js").Gallery} parts.gallery
   * @param {import("./grid.js").PhotoGrid} parts.grid
   * @param {import("../page/visitor.js").Visitor} parts.visitor
   * @param {ReturnType<typeof import("../page/notice.js").mountNotice>} parts.notice
   * @param {{leave(id: string): Promise<void>, turnTo(id: string): boolean, focus(): boolean}}
   *   parts.lightbox
   */
  constructor({ gallery, grid, visitor, notice, lightbox }) {
    this.#gallery = gallery;
    this.#grid = grid;
    this.#visitor = visitor;
    this.#notice = notice;
    this.#lightbox = lightbox;
  }

  /**
   * Removes those that the visitor may remove.
   * @param {Photo[]} photos
   * @returns {Promise<boolean>} whether all of them were removed
   */
  async remove(photos) {
    const those = photos.filter(
      (photo) => this.#visitor.mayRemove(photo) && !this.#beingRemoved.has(photo.id),
    );
    if (those.length === 0) return false;
    for (const { id } of those) this.#beingRemoved.add(id);
    const { items } = this.#gallery;
    const index = items.findIndex(({ id }) => id === those[0].id);
    this.#neighbourId = (items[index + those.length] ?? items[index - 1])?.id;
    const { done, failed, error } = await forAll(those, (id) => errorOf(removePhoto(id)));
    const reason = error && reasonOf(error, "remove", failed.length, those.length);
    if (done.some((photo) => this.#visitor.owns(photo))) this.#visitor.recount();
    const refreshed = this.#refresh();
    if (done.length > 0) {
      await refreshed;
      for (const { id } of done) await this.#lightbox.leave(id);
      this.#notice.offerUndo(...done.map(({ id }) => id));
    }
    for (const { id } of those) this.#beingRemoved.delete(id);
    const removed = done.length > 0 ? `${formatCount(done.length, "photo")} removed. ` : "";
    if (reason) this.#notice.tell(removed + reason);
    return !error;
  }

  /** Undoes removals. @param {{id: string, time: number}[]} removals the latest first */
  async undo(removals) {
    const error = await errorOf(restorePhotos(removals.map(({ id }) => id)));
    await this.#refresh();
    const [{ id }] = removals;
    if (!error) return this.#lightbox.turnTo(id) || this.#grid.focusPhoto(id);
    const again = error instanceof Refused ? [] : removals;
    return this.#notice.offerAgain(again, reasonOf(error, "undo"));
  }

  /** Puts the focus where the removed photo was. */
  focusNeighbour() {
    if (!this.#lightbox.focus()) this.#grid.focusPhoto(this.#neighbourId);
  }

  /**
   * @param {Photo[]} photos
   * @param {"everyone"|"owner"} visibility
   * @returns {Promise<boolean>} whether all of them were changed
   */
  async setVisibility(photos, visibility) {
    const changing = photos.filter((photo) => photo.visibility !== visibility);
    const { done, failed, error } = await forAll(photos, (id) =>
      this.#inTurn(id, () => changeVisibility(id, visibility)),
    );
    const changed =
      done.length > 0 && this.#sentenceAbout(done.length, { ...photos[0], visibility });
    const reason = error && reasonOf(error, "change", failed.length, photos.length);
    const sentence = [changed, reason].filter(Boolean).join(" ");
    if (changing.length > 1 && changed) {
      const former = visibility === "owner" ? "everyone" : "owner";
      this.#notice.offer(sentence, () => this.setVisibility(changing, former));
    } else this.#notice.tell(sentence);
    await this.#refresh();
    // From what the selection excludes now.
    for (const { id } of done) if (!this.#gallery.find(id)) await this.#lightbox.leave(id);
    return !error;
  }

  /**
   * Approves or hides photos.
   * @param {Photo[]} photos
   * @param {"shown"|"hidden"} standing a host's word
   * @returns {Promise<boolean>} whether no request has failed
   */
  setStanding(photos, standing, takesFocus = true) {
    const groups = groupBy(photos, (photo) => photo.standing);
    groups.delete(standing);
    const changes = [...groups].map(([from, some]) => ({ from, ids: some.map(({ id }) => id) }));
    return this.moderate(changes, standing, takesFocus);
  }

  /**
   * Changes the moderation state of photos, and offers to undo that together with what was moderated
   * just before.
   * @param {{ids: string[], from: string}[]} changes of those that have the state `from`
   * @param {"shown"|"hidden"} to
   * @param {boolean} [takesFocus] whether Undo does
   * @returns {Promise<boolean>} whether no request has failed
   */
  async moderate(changes, to, takesFocus = true) {
    const done = new Map(); // photo's id → {from, to}
    const failed = new Set();
    let error;
    for (const { ids, from } of changes.filter((change) => change.ids.length > 0)) {
      const failure = await this.#inTurn(ids[0], async () => {
        const { changed } = await moderatePhotos(ids, from, to);
        for (const id of changed) done.set(id, { from, to });
      });
      error ??= failure;
      if (failure) ids.forEach((id) => failed.add(id));
    }
    const isOtherChange = [...done.keys()].some((id) => this.#moderated.has(id));
    if (isOtherChange || !this.#notice.offers(this.#undoModeration)) this.#moderated.clear();
    for (const [id, change] of done) this.#moderated.set(id, change);
    const reason = error && reasonOf(error, "change", failed.size, failed.size);
    if (reason || done.size > 0) this.#tellModerated(reason, takesFocus);
    else if (this.#moderated.size === 0) this.#notice.tell("Nothing left to change.");
    await this.#refresh();
    // From what the selection excludes now.
    for (const id of done.keys()) if (!this.#gallery.find(id)) await this.#lightbox.leave(id);
    return !error;
  }

  /** `3 photos approved, 1 hidden.` */
  #tellModerated(reason, takesFocus) {
    const groups = groupBy(this.#moderated.values(), ({ from, to }) => MODERATED[`${from} ${to}`]);
    const parts = [...groups].map(([done, some], index) => {
      if (index > 0) return `${formatNumber(some.length)} ${done}`;
      return `${this.#moderated.size > 1 ? formatCount(some.length, "photo") : "Photo"} ${done}`;
    });
    const sentence = [parts.length > 0 && `${parts.join(", ")}.`, reason].filter(Boolean).join(" ");
    if (parts.length > 0) this.#notice.offer(sentence, this.#undoModeration, takesFocus);
    else this.#notice.tell(sentence);
  }

  /** What others have changed or removed meanwhile stays so. */
  #undoModeration = async () => {
    const undone = [...this.#moderated];
    let error;
    for (const some of groupBy(undone, ([, { from, to }]) => `${from} ${to}`).values()) {
      const ids = some.map(([id]) => id);
      const [[, { from, to }]] = some;
      const failure = await errorOf(moderatePhotos(ids, to, from));
      if (!failure) ids.forEach((id) => this.#moderated.delete(id));
      error ??= failure;
    }
    await this.#refresh();
    const id = undone.at(-1)?.[0];
    if (!error) return this.#lightbox.turnTo(id) || this.#grid.focusPhoto(id);
    return this.#notice.offer(reasonOf(error, "undo"), this.#undoModeration);
  };

  /** One change of a photo after the other, so that the last one chosen is the one that stays. */
  async #inTurn(id, request) {
    const answered = Promise.resolve(this.#changes.get(id)).then(() => errorOf(request()));
    this.#changes.set(id, answered);
    const error = await answered;
    if (this.#changes.get(id) === answered) this.#changes.delete(id);
    return error;
  }

  #sentenceAbout(count, { visibility, standing }) {
    const photos = `${formatCount(count, "photo")} `;
    const sentence = (words) =>
      `${count > 1 ? photos + words : words[0].toUpperCase() + words.slice(1)}.`;
    if (visibility === "owner") return sentence("now private");
    if (standing === "pending") return sentence("sent to the host for approval");
    return sentence(`shared with ${this.#visitor.others}`);
  }

  /**
   * Removes all photos of a guest, as a host.
   * @param {string} guestId
   * @param {string[]} ids of those that may come back
   */
  async removeAllOf(guestId, ids) {
    const error = await errorOf(removeGuestPhotos(guestId));
    if (error) this.#notice.tell(reasonOf(error, "remove", ids.length, ids.length));
    else this.#notice.offerUndo(...ids);
    await this.#refresh();
  }

  /** If it fails, live.js keeps trying. */
  #refresh() {
    return orUndefined(this.#gallery.refresh());
  }
}

/**
 * Makes a request for each photo, a few at the same time.
 * @param {Photo[]} photos
 * @param {(id: string) => Promise<Error|undefined>} request
 * @returns {Promise<Outcome>}
 */
async function forAll(photos, request) {
  const outcome = { done: [], failed: [], error: undefined };
  const waiting = [...photos];
  async function work() {
    while (waiting.length > 0) {
      const photo = waiting.shift();
      const error = await request(photo.id);
      outcome.error ??= error;
      outcome[error ? "failed" : "done"].push(photo);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcome;
}

/** @returns {Map<string, any[]>} in the order in which the keys first occur */
function groupBy(values, keyOf) {
  const groups = new Map();
  for (const value of values) {
    const key = keyOf(value);
    if (groups.has(key)) groups.get(key).push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

/** Why some of the photos were not changed, for the visitor. */
function reasonOf(error, verb, failed = 1, of = 1) {
  return sentenceOf(error, `Couldn't ${verb} ${of > 1 ? failed : "it"}`);
}
