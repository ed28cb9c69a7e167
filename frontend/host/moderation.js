/** What hosts do with many photos at once, and what they see at a glance. */

import { fetchHostOverview } from "../page/api.js";
import { formatBytes, formatCount, formatNumber } from "../page/format.js";
import { orUndefined } from "../page/patience.js";

const COUNTED_EVERY_MS = 500;
const AIMED_MS = 600; // that a tile has to stand still: a tap before that was aimed at another one
const UNSEEN_MS = 400; // in which keys do nothing: nobody has looked at the next photo yet
const RESTED_MS = 700; // without judging or scrolling, before the rows close up

/**
 * @param {{list: HTMLElement, bar: HTMLElement, waiting: HTMLButtonElement, overview: HTMLElement,
 *   confirm: HTMLDialogElement, menu: HTMLElement}} elements the list of tiles, and others
 * @param {object} parts
 * @param {any} parts.gallery whose items are shown, see gallery/gallery.js
 * @param {import("../page/visitor.js").Visitor} parts.visitor
 * @param {{choose(choice: string), count(counts: object), nameOf(guestId: string): string}} parts.filter
 * @param {any} parts.actions see gallery/photo-actions.js
 */
export function mountModeration(elements, { gallery, visitor, filter, actions }) {
  const { list, bar, waiting, overview, confirm, menu } = elements;
  const part = (name) => bar.querySelector(`[data-${name}]`);
  let selection = null; // of the photos that are shown, while another may be loading
  let timer = null;

  function update() {
    timer ??= setTimeout(count, COUNTED_EVERY_MS); // many changes, one question
    ({ selection } = gallery);
    const { by, words, only } = selection;
    list.dataset.only = only;
    // Hiding and removing goes by person, so only while all photos of that person are in sight.
    // A host's own photos are removed one by one.
    const isAllOfOther = by !== "" && by !== visitor.id && words === "" && !gallery.hasMore;
    const canShow = only === "pending" || only === "hidden";
    bar.hidden = gallery.items.length === 0 || !(isAllOfOther || canShow);
    part("show-all").hidden = !canShow;
    part("show-all").textContent = only === "pending" ? "Approve all" : "Unhide all";
    part("remove-all").hidden = !isAllOfOther;
    const isHidden = ({ photo }) => photo?.standing === "hidden";
    part("hide-all").hidden = !isAllOfOther || gallery.items.every(isHidden);
  }

  async function count() {
    timer = null;
    const counts = await orUndefined(fetchHostOverview());
    if (!counts) return;
    showOverview(overview, counts);
    waiting.hidden = counts.pending === 0;
    waiting.textContent = `${formatNumber(counts.pending)} pending`;
    filter.count(counts);
  }

  const shownIds = () => gallery.items.map(({ id }) => id);

  part("show-all").addEventListener("click", () => {
    const { only: from } = selection;
    // Those that were judged one by one may be in sight still, or on their way to the server.
    const left = gallery.items.filter(({ photo }) => (photo?.standing ?? from) === from);
    actions.moderate([{ ids: left.map(({ id }) => id), from }], "shown");
  });
  part("hide-all").addEventListener("click", () => {
    const ids = shownIds();
    actions.moderate(
      ["pending", "shown"].map((from) => ({ ids, from })),
      "hidden",
    );
  });
  part("remove-all").addEventListener("click", async () => {
    const { by } = selection;
    const isSure = await ask(confirm, questionAbout(shownIds().length, filter.nameOf(by)));
    if (isSure) await actions.removeAllOf(by, shownIds()); // more may have come meanwhile
  });
  waiting.addEventListener("click", () => filter.choose("pending"));
  menu.addEventListener("beforetoggle", ({ newState }) => newState === "open" && count());
  gallery.addEventListener("photos-changed", update);
  update();
  mountJudging(list, gallery, actions);
}

/**
 * Lets hosts approve or hide each photo that waits by the tick and the cross on its tile. The tile keeps
 * its place, pale, while others are aimed at; the rows close up once none in view waits.
 */
function mountJudging(list, gallery, actions) {
  let judgedAt = -Infinity; // as performance.now()
  const underWay = new Set(); // ids that the server has not answered for
  let timer;
  list.dataset.moderated = ""; // shows tick and cross

  async function judge(tile, standing, byKey) {
    judgedAt = performance.now();
    const { photo } = gallery.find(tile.dataset.id);
    const assumed = { ...photo, standing };
    underWay.add(photo.id);
    gallery.assume(assumed);
    closeUpSoon();
    const next = nextButton(tile, standing);
    if (byKey) next?.focus();
    if (!(await actions.setStanding([photo], standing, byKey && !next))) {
      if (gallery.find(photo.id)?.photo === assumed) gallery.assume(photo); // it waits still
    }
    underWay.delete(photo.id);
    closeUpSoon();
  }

  function nextButton(tile, standing) {
    const buttons = [...list.querySelectorAll(`[data-standing=pending] [data-judge=${standing}]`)];
    const isBehind = (button) =>
      tile.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING;
    return buttons.find(isBehind) ?? buttons.at(-1);
  }

  function closeUpSoon() {
    clearTimeout(timer);
    timer = setTimeout(closeUp, RESTED_MS);
  }

  /** Nothing that is looked at moves while some of it waits. */
  function closeUp() {
    const tiles = new Map([...list.children].map((tile) => [tile.dataset.id, tile]));
    const isInView = (tile) => {
      const { top, bottom } = tile.getBoundingClientRect();
      return bottom > 0 && top < window.innerHeight;
    };
    letGo((id) => !tiles.has(id) || !isInView(tiles.get(id)));
    const isWaiting = ({ dataset: { standing } }) => standing === "pending" || !standing;
    if (![...tiles.values()].some((tile) => isWaiting(tile) && isInView(tile))) letGo();
  }

  /** @param {(id: string) => boolean} [isToGo] */
  function letGo(isToGo = () => true) {
    gallery.letGo((id) => !underWay.has(id) && isToGo(id));
  }

  list.addEventListener(
    "click",
    (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (!target.closest(".photo-tile-judgement")) {
        const opened = /** @type {HTMLElement} */ (target.closest(".photo-tile"))?.dataset.id;
        letGo((id) => id !== opened); // one looks through those that wait
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      const button = /** @type {HTMLElement} */ (target.closest("[data-judge]"));
      if (!button || button.closest("[data-judged]")) return;
      const tile = /** @type {HTMLElement} */ (button.closest(".photo-tile"));
      const now = performance.now();
      const byKey = event.detail === 0;
      if (now - Number(tile.dataset.moved ?? -Infinity) < AIMED_MS) return;
      if (byKey && now - judgedAt < UNSEEN_MS) return;
      judge(tile, button.dataset.judge, byKey);
    },
    { capture: true },
  );
  // A key that is held down presses once; the focus stays where it is when a pointer presses.
  const isOurs = ({ target }) => target.closest("[data-judge]") !== null;
  list.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter" && isOurs(event)) event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => isOurs(event) && event.preventDefault());
  document.addEventListener("scroll", closeUpSoon, { passive: true });
  gallery.addEventListener("photos-changed", closeUpSoon);
}

function questionAbout(count, name) {
  const photos = formatCount(count, "photo");
  return {
    title: `Remove all photos by ${name}?`,
    text: `Removes ${photos}, and ${name}'s private ones. Private photos can't be restored.`,
    act: "Remove all",
  };
}

/** @returns {Promise<boolean>} whether the host is sure */
function ask(dialog, question) {
  for (const [name, words] of Object.entries(question)) {
    dialog.querySelector(`[data-${name}]`).textContent = words;
  }
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "sure");
    dialog.addEventListener("close", answer, { once: true });
  });
}

/** @param {HTMLElement} list @param {any} counts as `GET /api/host` has them */
function showOverview(list, { photos, bytes, max_bytes: most, free_bytes: free, ...more }) {
  const { pending, hidden, private: own } = more;
  const lines = [
    `${formatCount(photos, "photo")} · ${formatBytes(bytes)} of ${formatBytes(most)}`,
    free !== null && `${formatBytes(free)} free`,
    `${formatNumber(pending)} pending · ${formatNumber(hidden)} hidden`,
    own.photos > 0 && `${formatNumber(own.photos)} private · ${formatBytes(own.bytes)}`,
  ];
  list.hidden = false;
  list.replaceChildren(
    ...lines.filter(Boolean).map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}
