/** Decides what is still to be sent of a photo, and in chunks of which size. */

import { discardUpload, fetchUpload } from "../page/api.js";
import { deviceMemory } from "../page/memory.js";

const USUAL_BYTES = 4_000_000; // when the settings could not be had
const SMALLEST_BYTES = 64_000;
const MOST_CHUNKS = 10_000; // that the server takes for one photo
const REMEMBERED = "dropwall-chunk-bytes";

/**
 * @typedef {object} Plan how a file is sent
 * @property {string} uuid by which the server knows its chunks
 * @property {number} chunkBytes
 * @property {number} count of all chunks of the file; with a single one it is sent whole
 * @property {number[]} missing numbers of the chunks that the server does not have; empty when it
 *   has listed the photo
 * @property {Blob} body the bytes of these chunks, in their order
 */

/**
 * The size of a chunk is the server's own, or smaller where a proxy wants less. Of each upload it
 * keeps the fields `plan`, `arrivedBytes` and `mayHaveArrived` up to date.
 */
export class Chunks {
  #bytes;
  #smallestBytes;

  /** @param {import("../page/api.js").Settings} settings */
  constructor({ chunk_bytes: bytes = USUAL_BYTES, max_upload_bytes: largest = 0 }) {
    this.#smallestBytes = Math.max(SMALLEST_BYTES, Math.ceil(largest / MOST_CHUNKS));
    const remembered = Number(deviceMemory.read(REMEMBERED)) || Infinity;
    this.#bytes = Math.min(bytes, Math.max(remembered, this.#smallestBytes));
  }

  /**
   * @returns {Promise<Plan>} rejects with Unreachable where the server has to be asked and says
   *   nothing
   */
  async plan(upload) {
    const { id, file, plan: former } = upload;
    const chunkBytes = this.#bytes;
    const uuid = uuidOf(id, chunkBytes);
    const progress = upload.mayHaveArrived ? await fetchUpload(uuid) : null;
    if (former && former.uuid !== uuid) this.discard(upload); // of another size
    const count = Math.max(1, Math.ceil(file.size / chunkBytes));
    const received = new Set(progress?.received);
    const numbers = Array.from({ length: count }, (_, number) => number);
    let missing = numbers.filter((number) => !received.has(number));
    // One chunk has to come for the server to see that all others are there.
    if (missing.length === 0 && !progress.safe) missing = [count - 1];
    const slices = missing.map((n) => file.slice(n * chunkBytes, (n + 1) * chunkBytes));
    const body = missing.length === count ? file : new Blob(slices);
    upload.plan = { uuid, chunkBytes, count, missing, body };
    upload.mayHaveArrived = count > 1;
    upload.arrivedBytes = file.size - body.size;
    return upload.plan;
  }

  /**
   * A request was refused on its way for its size. The proxy will be there at the next visit too,
   * which then begins with what went through at this one.
   * @returns {boolean} whether the photo may go through in smaller chunks
   */
  shrinkBelow(upload) {
    const requestBytes = Math.min(upload.file.size, upload.plan.chunkBytes);
    if (requestBytes <= this.#smallestBytes) return false;
    const smaller = Math.max(this.#smallestBytes, Math.ceil(requestBytes / 2));
    this.#bytes = Math.min(this.#bytes, smaller);
    deviceMemory.write(REMEMBERED, String(this.#bytes));
    this.discard(upload);
    upload.arrivedBytes = 0;
    return true;
  }

  /** Makes room on the server: nobody will go on with what has arrived. */
  discard({ id, plan, mayHaveArrived = true }) {
    if (mayHaveArrived) discardUpload(plan?.uuid ?? uuidOf(id, this.#bytes));
  }
}

/** Chunks of another size are another upload to the server. */
function uuidOf(id, chunkBytes) {
  return `${id}.${chunkBytes}`;
}
