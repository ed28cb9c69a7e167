/** What a host can do with all photos of a selection. */

/** @param {HTMLElement} el dispatches `show-all`, `hide-all` and `remove-all` */
export function mountModerationBar(el) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  for (const name of ["show-all", "hide-all", "remove-all"]) {
    part(name).addEventListener("click", () => el.dispatchEvent(new Event(name)));
  }

  return {
    /**
     * @param {import("./gallery.js").Gallery} gallery
     * @param {string|null} ownId of the host, whose own photos are removed one by one
     */
    update({ items, hasMore, selection: { by, words, only } }, ownId) {
      // Hiding and removing goes by person, so only while all photos of that person are in sight.
      const isAllOfOther = by !== "" && by !== ownId && words === "" && !hasMore;
      const canShow = only === "pending" || only === "hidden";
      el.hidden = items.length === 0 || !(isAllOfOther || canShow);
      part("show-all").hidden = !canShow;
      part("show-all").textContent = only === "pending" ? "Approve all" : "Show them to everyone";
      part("hide-all").hidden = part("remove-all").hidden = !isAllOfOther;
    },
  };
}
