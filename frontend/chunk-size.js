/** How large a request may be: what the server says, or less where a proxy wants less. */

const USUAL_BYTES = 4_000_000; // when the settings could not be had
const SMALLEST_BYTES = 64_000;
const MOST_CHUNKS = 10_000; // that the server takes for one photo
const REMEMBERED = "dropwall-chunk-bytes";

export class ChunkSize {
  #smallestBytes;

  /** @param {{chunk_bytes?: number, max_upload_bytes?: number}} settings of the server */
  constructor({ chunk_bytes: bytes = USUAL_BYTES, max_upload_bytes: largest = 0 }) {
    this.#smallestBytes = Math.max(SMALLEST_BYTES, Math.ceil(largest / MOST_CHUNKS));
    this.bytes = Math.min(bytes, Math.max(recall(), this.#smallestBytes));
  }

  /**
   * A request of so many bytes was refused on its way. The proxy will be there at the next visit
   * too, which then begins with what went through at this one.
   * @returns {boolean} whether it may go through in smaller chunks
   */
  shrinkBelow(requestBytes) {
    if (requestBytes <= this.#smallestBytes) return false;
    const smaller = Math.max(this.#smallestBytes, Math.ceil(requestBytes / 2));
    this.bytes = Math.min(this.bytes, smaller);
    remember(this.bytes);
    return true;
  }
}

function recall() {
  try {
    return Number(localStorage.getItem(REMEMBERED)) || Infinity;
  } catch {
    return Infinity; // a browser that keeps nothing
  }
}

function remember(bytes) {
  try {
    localStorage.setItem(REMEMBERED, bytes);
  } catch {
    // It is found out anew at the next visit.
  }
}
