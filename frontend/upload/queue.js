/** Keeps the photos on their way: which of them is sent next, and what is done when one fails. */

import { Unreachable, changeVisibility } from "../page/api.js";
import { askPatiently, errorOf } from "../page/patience.js";
import { Chunks } from "./chunks.js";
import { RetryPause } from "./pause.js";
import { trueNameOf } from "./photo-format.js";
import {
  FILE_VANISHED,
  Failure,
  closedForUploads,
  lostConnection,
  refusalBeforeSending,
} from "./refusals.js";

const PARALLEL_UPLOADS = 3;
const MOST_STRIKES = 12; // of a photo that fails while others arrive: it is not the network then

/**
 * @typedef {object} Upload
 * @property {string} id
 * @property {File} file
 * @property {"everyone"|"owner"} visibility who is to see it
 * @property {string} [photoId] once it is in the gallery
 * @property {boolean} wasShared whether it was ever sent for everyone, or may have been
 * @property {boolean} wasSent whether it was ever sent, or may have been
 * @property {boolean} isFormer whether it has failed in an earlier batch, and does not count in this
 * @property {"waiting"|"sending"|"checking"|"safe"|"failed"|"removed"} state checking: all is sent,
 *   the answer is still to come; removed: by the visitor, or to make room for the next batch
 * @property {number} sentBytes
 * @property {number} arrivedBytes of the chunks that the server has
 * @property {import("./chunks.js").Plan} [plan] how it is sent
 * @property {boolean} mayHaveArrived whether the server has to be asked first
 * @property {AbortController} [attempt] to send it, the latest
 * @property {number} strikes how often it failed while others arrived
 * @property {string} reason of a failure, for the visitor
 * @property {boolean} canRetry whether the same file may succeed later
 * @property {boolean|null} isKept whether it survives that the page is closed; null while unknown
 */

/** Dispatches `upload-changed` {upload}, also when one was added or removed. */
export class UploadQueue extends EventTarget {
  pause = new RetryPause();
  /** Until when photos were collected, in a sentence; empty while they are. */
  closed = "";
  #settings;
  #uploader;
  #keptFiles;
  #chunks;
  #uploads = new Map(); // id → Upload, in the order they were added
  #waiting = new Set(); // uploads, the next one first
  #attempts = new Set(); // that are under way
  #active = new Set(); // uploads that are neither safe nor failed
  #atRisk = new Set(); // uploads that would be lost with the page

  /**
   * @param {import("../page/api.js").Settings} settings
   * @param {import("./dropzone.js").Uploader} uploader
   * @param {import("./kept-files.js").KeptFiles|null} keptFiles null where nothing can be kept
   */
  constructor(settings, uploader, keptFiles) {
    super();
    this.#settings = settings;
    this.#uploader = uploader;
    this.#keptFiles = keptFiles;
    this.#chunks = new Chunks(settings);
    this.pause.addEventListener("pause-changed", () => this.#sendNext());
  }

  /** @returns {Upload[]} in the order they were added */
  get uploads() {
    return [...this.#uploads.values()];
  }

  get size() {
    return this.#uploads.size;
  }

  get isBusy() {
    return this.#active.size > 0;
  }

  /** Whether something is still to come, or so the visitor hopes. */
  get hasPending() {
    return this.uploads.some(isPending);
  }

  /** Whether something would be lost if the page were closed now. */
  get wouldLose() {
    return this.#atRisk.size > 0;
  }

  /** Whether the browser has no room for something that is still on its way. */
  get mustStayOpen() {
    return [...this.#atRisk].some(({ isKept }) => isKept === false);
  }

  /** @param {string|null} keptId of a file that an earlier visit has left on its way */
  async add(file, visibility, keptId = null) {
    if (!this.isBusy) {
      // What is safe of an earlier batch doesn't count in the next, nor what stopped it.
      this.pause.end();
      for (const former of this.uploads) {
        if (former.state === "safe") this.remove(former);
        else former.isFormer = true;
      }
    }
    const upload = {
      id: keptId ?? this.#uploader.newId(),
      file,
      visibility,
      wasShared: keptId !== null,
      wasSent: false,
      isFormer: false,
      state: "waiting",
      sentBytes: 0,
      arrivedBytes: 0,
      mayHaveArrived: keptId !== null,
      strikes: 0,
      reason: "",
      canRetry: false,
      isKept: keptId !== null || (this.#keptFiles ? null : false),
    };
    this.#uploads.set(upload.id, upload);
    this.#change(upload);
    const reason = await refusalBeforeSending(file, this.#settings);
    if (upload.state === "removed") return;
    if (reason) return this.#refuse(upload, reason);
    this.#enqueue(upload);
    if (upload.isKept !== null) return;
    const isKept = await this.#keptFiles.keep(upload.id, file, visibility);
    if (isPending(upload)) this.#change(upload, { isKept });
  }

  /** Gives up what an earlier visit has left. */
  forget(ids) {
    for (const id of ids) this.#giveUp({ id });
  }

  retry(upload) {
    upload.strikes = 0;
    upload.isFormer = false;
    this.#enqueue(upload);
    this.pause.end();
  }

  retryAll() {
    for (const upload of this.uploads) if (upload.canRetry) this.retry(upload);
  }

  /**
   * Changes who is to see the photos of this batch, those that are in the gallery as well.
   * @param {"everyone"|"owner"} visibility
   */
  setVisibility(visibility) {
    for (const upload of this.uploads) {
      const isOver = upload.isFormer || !(isPending(upload) || upload.state === "safe");
      if (isOver || upload.visibility === visibility) continue;
      this.#change(upload, { visibility });
      if (upload.state === "safe") this.#correct(upload);
      else if (upload.isKept !== false) this.#keptFiles?.keep(upload.id, upload.file, visibility);
      // What is being sent for everyone is sent again: who sends a photo as private makes it so.
      const isUnderWay = this.#attempts.has(upload.attempt) && upload.state !== "checking";
      if (!isUnderWay || visibility === "everyone") continue;
      this.#attempts.delete(upload.attempt);
      upload.attempt.abort();
      this.#enqueue(upload);
    }
  }

  /** Tells the server who is to see a photo that it has, perhaps for others. */
  async #correct(upload) {
    const { id, photoId, visibility } = upload;
    if (photoId) {
      const isWanted = () => upload.visibility === visibility;
      await errorOf(askPatiently(() => changeVisibility(photoId, visibility), isWanted));
      return this.#change(upload);
    }
    // It came by an attempt whose answer was lost, so that nobody knows its address.
    this.#uploads.delete(id);
    upload.id = this.#uploader.newId();
    this.#uploads.set(upload.id, upload);
    return this.#enqueue(upload);
  }

  /** Takes an upload off the queue and out of the count, whatever its state. */
  remove(upload) {
    const isGivenUp = isPending(upload);
    this.#uploads.delete(upload.id);
    this.#waiting.delete(upload);
    this.#attempts.delete(upload.attempt);
    upload.attempt?.abort();
    if (isGivenUp) this.#giveUp(upload);
    this.#change(upload, { state: "removed", canRetry: false });
    this.#sendNext();
  }

  removeAll() {
    for (const upload of this.uploads) this.remove(upload);
  }

  /** Behind all others that wait. */
  #enqueue(upload) {
    this.#waiting.add(upload);
    const sentBytes = upload.arrivedBytes;
    this.#change(upload, { state: "waiting", reason: "", canRetry: false, sentBytes });
    this.#sendNext();
  }

  #sendNext() {
    while (this.#attempts.size < PARALLEL_UPLOADS && this.#waiting.size > 0 && !this.pause.isOn) {
      const [upload] = this.#waiting;
      this.#waiting.delete(upload);
      this.#send(upload);
    }
  }

  async #send(upload) {
    const { file, visibility } = upload;
    const { guest } = this.#settings; // whose page this is; who sends may be somebody else by then
    const attempt = (upload.attempt = new AbortController());
    this.#attempts.add(attempt);
    upload.wasShared ||= visibility === "everyone";
    try {
      const asked = [this.#chunks.plan(upload), trueNameOf(file, this.#settings)];
      const [plan, name] = await Promise.all(asked);
      const formerBytes = upload.arrivedBytes;
      const delivery = {
        file,
        name,
        plan,
        fields: { visibility, ...(guest && { guest: guest.id }) },
        onProgress: (bytes, isAll) =>
          this.#change(upload, {
            state: isAll ? "checking" : "sending",
            sentBytes: formerBytes + bytes,
          }),
        onArrival: () => {
          this.pause.succeed();
          const arrivedBytes = Math.min(file.size, upload.arrivedBytes + plan.chunkBytes);
          this.#change(upload, { strikes: 0, arrivedBytes });
        },
      };
      attempt.signal.throwIfAborted();
      // What the server may know already may still finish.
      const isNew = !upload.wasSent && plan.missing.length === plan.count;
      if (this.closed && isNew) throw closedForUploads(this.closed);
      upload.wasSent = true;
      if (plan.missing.length > 0) {
        upload.photoId = await this.#uploader.send(delivery, attempt.signal);
      }
      this.#keptFiles?.forget(upload.id);
      this.#change(upload, { state: "safe", sentBytes: file.size });
      const mayBeShown = plan.missing.length === 0 && visibility === "owner" && upload.wasShared;
      if (upload.visibility !== visibility || mayBeShown) this.#correct(upload);
    } catch (error) {
      if (!attempt.signal.aborted) await this.#fail(upload, error);
    } finally {
      this.#attempts.delete(attempt);
      this.#sendNext();
    }
  }

  async #fail(upload, error) {
    const failure = error instanceof Unreachable ? lostConnection() : error;
    if (!(failure instanceof Failure)) throw error;
    if (failure.isTooLargeOnTheWay && this.#chunks.shrinkBelow(upload)) {
      return this.#enqueue(upload);
    }
    if (failure.isLost && !(await isReadable(upload.file))) return this.#replaceFile(upload);
    if (upload.state === "removed") return;
    if (!failure.isTemporary) return this.#refuse(upload, failure.message, failure.canRetry);
    if (this.pause.isFresh) upload.strikes += 1;
    if (this.pause.isFresh && upload.strikes >= MOST_STRIKES) {
      return this.#refuse(upload, failure.message, true);
    }
    this.pause.begin(failure.message, failure.retryAfterSeconds);
    this.#enqueue(upload);
  }

  /** The file was moved or changed on the device; the copy in the browser may still be there. */
  async #replaceFile(upload) {
    const copy = upload.isKept && (await this.#keptFiles.read(upload.id))?.file;
    const isOther = copy && copy !== upload.file && (await isReadable(copy));
    if (upload.state === "removed") return;
    if (!isOther) return this.#refuse(upload, FILE_VANISHED);
    upload.file = copy;
    this.#enqueue(upload);
  }

  #refuse(upload, reason, canRetry = false) {
    if (!canRetry) this.#giveUp(upload);
    const sentBytes = upload.arrivedBytes;
    this.#change(upload, { state: "failed", sentBytes, reason, canRetry });
  }

  /** Nobody waits for it any more: not this browser, and not the server. */
  #giveUp(upload) {
    this.#keptFiles?.forget(upload.id);
    this.#chunks.discard(upload);
  }

  #change(upload, changes = {}) {
    Object.assign(upload, changes);
    const put = (set, isIn) => (isIn ? set.add(upload) : set.delete(upload));
    put(this.#active, isActive(upload));
    put(this.#atRisk, isPending(upload) && !upload.isKept);
    this.dispatchEvent(new CustomEvent("upload-changed", { detail: { upload } }));
  }
}

function isActive({ state }) {
  return ["waiting", "sending", "checking"].includes(state);
}

/** Still to come, or so the visitor hopes. */
function isPending(upload) {
  return isActive(upload) || upload.canRetry;
}

/** Browsers report a file that was changed or deleted meanwhile as a lost connection. */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
