/** The gallery at a glance, for hosts: how much there is, and how much room is left. */

import { formatBytes, formatCount, formatNumber } from "./format.js";

/** @param {HTMLElement} el a list of lines */
export function mountHostOverview(el) {
  return {
    /** @param {object} counts as `GET /api/host` has them */
    update({ photos, bytes, max_bytes: most, free_bytes: free, pending, hidden, private: own }) {
      const lines = [
        `${formatCount(photos, "photo")} · ${formatBytes(bytes)} of ${formatBytes(most)}`,
        free !== null && `${formatBytes(free)} free on the disk`,
        `${formatNumber(pending)} waiting · ${formatNumber(hidden)} hidden`,
        own.photos > 0 && `${formatNumber(own.photos)} private · ${formatBytes(own.bytes)}`,
      ];
      el.hidden = false;
      el.replaceChildren(
        ...lines.filter(Boolean).map((line) => {
          const item = document.createElement("li");
          item.textContent = line;
          return item;
        }),
      );
    },
  };
}
