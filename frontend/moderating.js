/** The composition of what hosts do with many photos at once, and of what they see at a glance. */

import { fetchHostOverview, judgeGuestPhotos, judgePhotos, removeGuestPhotos } from "./api.js";
import { mountConfirmDialog } from "./confirm-dialog.js";
import { formatCount, formatNumber } from "./format.js";
import { mountHostOverview } from "./host-overview.js";
import { mountModerationBar } from "./moderation-bar.js";
import { reached } from "./patience.js";

const find = (selector) => document.querySelector(selector);
const MOST_AT_ONCE = 100; // photos that the server takes in one request
const COUNTED_EVERY_MS = 500;

/**
 * @param {object} parts
 * @param {import("./gallery.js").Gallery} parts.gallery
 * @param {Promise<object>} parts.settings of the server
 * @param {import("./viewer.js").Viewer} parts.viewer
 * @param {object} parts.filter
 * @param {object} parts.notice
 * @param {(answer: Promise<void>, done: string) => Promise<boolean>} parts.act
 */
export function moderate({ gallery, settings, viewer, filter, notice, act }) {
  const waiting = find(".waiting-count");
  const bar = mountModerationBar(find(".moderation-bar"));
  const overview = mountHostOverview(find(".host-overview"));
  const confirm = mountConfirmDialog(find(".confirm-dialog"));
  let selection = null; // of what is shown: another may be on its way
  let timer = null;

  async function count() {
    timer = null;
    const counts = await reached(fetchHostOverview());
    if (!counts) return;
    overview.update(counts);
    waiting.hidden = counts.pending === 0;
    waiting.textContent = `${formatNumber(counts.pending)} waiting`;
    filter.count(counts);
  }

  function update() {
    if (!viewer.isHost) return;
    timer ??= setTimeout(count, COUNTED_EVERY_MS); // many changes, one question
    ({ selection } = gallery);
    bar.update(gallery, viewer.ownId);
  }

  async function removeAll({ by }) {
    const isSure = await confirm.ask(questionAbout(shownIds().length, filter.nameOf(by)));
    const ids = shownIds(); // more may have come while they were asked
    if (!isSure || !(await act(removeGuestPhotos(by), ""))) return;
    notice.offerUndo(...ids);
  }

  const shownIds = () => gallery.items.map(({ id }) => id); // there to be looked at
  const el = find(".moderation-bar");
  el.addEventListener("show-all", () => {
    const ids = shownIds();
    act(showAll(ids), `${formatCount(ids.length, "photo")} can be seen by everyone now.`);
  });
  el.addEventListener("remove-all", () => removeAll(selection));
  el.addEventListener("hide-all", () => {
    const { by } = selection;
    act(judgeGuestPhotos(by, "hidden"), `The photos by ${filter.nameOf(by)} are hidden.`);
  });
  waiting.addEventListener("click", () => filter.choose("pending"));
  find(".gallery-menu").addEventListener("beforetoggle", (event) => {
    if (event.newState === "open" && viewer.isHost) count();
  });
  gallery.addEventListener("photos-changed", update);
  settings.then(update); // whoever it is, is known then
}

function questionAbout(count, name) {
  const photos = formatCount(count, "photo");
  return {
    title: `Remove all photos by ${name}?`,
    text: `${photos} will go. Any that only ${name} sees go too, and cannot be brought back.`,
    act: "Remove all",
  };
}

async function showAll(ids) {
  for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
    await judgePhotos(ids.slice(start, start + MOST_AT_ONCE), "shown");
  }
}
