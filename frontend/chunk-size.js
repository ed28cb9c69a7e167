/** How large a request may be: what the server says, or less where a proxy wants less. */

const SMALLEST_BYTES = 64_000;
const REMEMBERED = "dropwall-chunk-bytes";

export class ChunkSize {
  /** @param {number|undefined} bytes of the server's settings; without them files go whole */
  constructor(bytes = Infinity) {
    this.bytes = Math.min(bytes, recall());
  }

  /**
   * A request of so many bytes was refused on its way. The proxy will be there at the next visit
   * too, which then begins with what went through at this one.
   * @returns {boolean} whether it may go through in smaller chunks
   */
  shrinkBelow(requestBytes) {
    if (requestBytes <= SMALLEST_BYTES) return false;
    this.bytes = Math.min(this.bytes, Math.max(SMALLEST_BYTES, Math.ceil(requestBytes / 2)));
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
