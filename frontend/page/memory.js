/** Short texts that this browser remembers. Where it remembers nothing (cookies blocked, some private
 * windows), reading finds nothing and writing does nothing. */

/** Kept on this device until it is deleted. */
export const deviceMemory = memoryIn(() => localStorage);

/** Kept until this tab is closed. */
export const tabMemory = memoryIn(() => sessionStorage);

/** @param {() => Storage} storage a function, because merely naming it may throw */
function memoryIn(storage) {
  return {
    /** @param {string} key @returns {string|null} */
    read(key) {
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },

    /** @param {string} key @param {string} text @returns {boolean} whether it is remembered */
    write(key, text) {
      try {
        storage().setItem(key, text);
        return true;
      } catch {
        return false;
      }
    },

    /** @param {string} key */
    forget(key) {
      try {
        storage().removeItem(key);
      } catch {
        // It remembers nothing.
      }
    },
  };
}
