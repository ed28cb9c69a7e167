/** Offers to go on with photos that an earlier visit has left on their way. */

import { formatCount } from "./format.js";

/**
 * @param {HTMLElement} el dispatches `leftovers-continued` and `leftovers-forgotten` {ids}
 * @returns {{offer(ids: Iterable<string>): string, withdraw(ids: Iterable<string>)}} `offer` returns
 *   its sentence; `withdraw` takes back what another tab is sending
 */
export function mountLeftovers(el) {
  const line = el.querySelector("[data-line]");
  let offered = new Set();

  function offer(ids) {
    offered = new Set(ids);
    el.hidden = offered.size === 0;
    const verb = offered.size === 1 ? "was" : "were";
    line.textContent = `${formatCount(offered.size, "photo")} ${verb} still on the way.`;
    return line.textContent;
  }

  function answer(name) {
    const ids = [...offered];
    offer([]);
    el.dispatchEvent(new CustomEvent(name, { detail: { ids } }));
  }

  el.querySelector("[data-continue]").addEventListener("click", () =>
    answer("leftovers-continued"),
  );
  el.querySelector("[data-forget]").addEventListener("click", () => answer("leftovers-forgotten"));

  return {
    offer,
    withdraw(ids) {
      const taken = new Set(ids);
      if (!el.hidden) offer([...offered].filter((id) => !taken.has(id)));
    },
  };
}
