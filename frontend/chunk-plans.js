/** Which chunks of a photo are still to be sent: what the server has is not sent again. */

import { discardUpload, fetchUpload } from "./api.js";
import { ChunkSize } from "./chunk-size.js";

/** Of each upload it keeps `uuid`, `requestBytes`, `arrivedBytes` and `mayHaveArrived` true. */
export class ChunkPlans {
  #size;

  /** @param {object} settings of the server, as far as they are known */
  constructor(settings) {
    this.#size = new ChunkSize(settings);
  }

  /**
   * @returns {Promise<Plan>} as upload-zone.js wants it; rejects with Unreachable where the server
   *   has to be asked and says nothing
   */
  async make(upload) {
    const chunkBytes = this.#size.bytes;
    const uuid = uuidOf(upload.id, chunkBytes);
    const progress = upload.mayHaveArrived ? await fetchUpload(uuid) : null;
    if (progress?.safe) return { isSafe: true };
    if (upload.uuid && upload.uuid !== uuid) this.discard(upload); // of another size
    const received = progress?.received ?? [];
    // One chunk has to come for the server to see that all others are there.
    if (received.length === progress?.total) received.pop();
    Object.assign(upload, {
      uuid,
      mayHaveArrived: upload.file.size > chunkBytes,
      requestBytes: Math.min(upload.file.size, chunkBytes),
      arrivedBytes: sum(
        received.map((n) => Math.min(chunkBytes, upload.file.size - n * chunkBytes)),
      ),
    });
    return { uuid, chunkBytes, received };
  }

  noteArrival(upload) {
    if (!upload.mayHaveArrived) return;
    upload.arrivedBytes = Math.min(upload.file.size, upload.arrivedBytes + upload.requestBytes);
  }

  /** After a request that was too large on its way; false when it can be no smaller. */
  shrinkBelow(upload) {
    if (!this.#size.shrinkBelow(upload.requestBytes)) return false;
    this.discard(upload);
    upload.arrivedBytes = 0;
    return true;
  }

  /** Nobody will go on with it: it makes room on the server. */
  discard({ id, uuid = uuidOf(id, this.#size.bytes), mayHaveArrived = true }) {
    if (mayHaveArrived) discardUpload(uuid);
  }
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Chunks of another size are another upload to the server. */
function uuidOf(id, chunkBytes) {
  return `${id}.${chunkBytes}`;
}
