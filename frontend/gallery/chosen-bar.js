/** The bar below the grid: how many photos are chosen, and what can be done with all of them. */

import { keepSelection } from "../page/api.js";
import { formatNumber } from "../page/format.js";
import { errorOf, orUndefined } from "../page/patience.js";
import {
  enableSlot,
  fillSlot,
  fillVisibilitySlot,
  onSlot,
  visibilityAfter,
} from "../page/slots.js";
import { canShareFiles, shareFiles } from "./share-files.js";

const MOST_IN_ADDRESS = 100; // ids

/**
 * @param {HTMLElement} bar
 * @param {object} parts
 * @param {import("./chosen.js").Chosen} parts.chosen
 * @param {import("./gallery.js").Gallery} parts.gallery
 * @param {import("./grid.js").PhotoGrid} parts.grid
 * @param {import("../page/visitor.js").Visitor} parts.visitor
 * @param {import("./photo-actions.js").PhotoActions} parts.actions
 * @param {{tell(sentence: string): void}} parts.notice
 * @returns {{remove(): void}} for the Delete key
 */
export function mountChosenBar(bar, { chosen, gallery, grid, visitor, actions, notice }) {
  const part = (name) => bar.querySelector(`[data-${name}]`);
  const known = () => [...chosen.ids].map((id) => gallery.find(id)?.photo).filter(Boolean);
  let lastId; // where the focus goes when the bar does

  function update() {
    const { isOn, ids } = chosen;
    if (!isOn && bar.contains(document.activeElement)) {
      grid.focusPhoto(gallery.find(lastId) ? lastId : grid.firstInView?.id);
    }
    const isNew = isOn && part("bar").hidden;
    part("bar").hidden = !isOn;
    document.body.toggleAttribute("data-choosing", isOn);
    part("count").textContent = ids.size ? `${formatNumber(ids.size)} selected` : "Select photos";
    part("said").textContent = isOn ? part("count").textContent : "";
    if (isOn) fill([...ids]);
    if (isNew && document.activeElement.matches("a:focus-visible")) grid.reveal(lastId);
  }

  /** What one may do with each of them is enabled; with those that aren't loaded, nothing. */
  function fill(ids) {
    lastId = ids.at(-1);
    const photos = known();
    const unknown = ids.filter((id) => !gallery.find(id)?.photo);
    if (unknown.length > 0) orUndefined(gallery.load(unknown));
    const may = {
      visibility: (photo) => visitor.owns(photo),
      approve: ({ standing }) => standing !== "shown",
      hide: (photo) => photo.standing !== "hidden" && !visitor.owns(photo),
      remove: (photo) => visitor.mayRemove(photo),
      share: () => true,
    };
    const areKnown = photos.length > 0 && unknown.length === 0;
    for (const [name, mayDo] of Object.entries(may)) {
      enableSlot(part(name), areKnown && photos.every(mayDo));
    }
    enableSlot(part("download"), ids.length > 0);
    fillVisibilitySlot(part("visibility"), photos, visitor);
    const areHidden = photos.length > 0 && photos.every(({ standing }) => standing === "hidden");
    fillSlot(part("approve"), "tick", areHidden ? "Show" : "Approve");
    part("share").hidden = !canShareFiles();
    part("approve").hidden = part("hide").hidden = !visitor.isHost;
    const ofOne = ids.length === 1 && photos.length === 1 && `${photos[0].url}?download`;
    part("download").href = ofOne || `/photos.zip?ids=${ids.slice(0, MOST_IN_ADDRESS).join(",")}`;
  }

  /** Choosing ends with what is done to all of them, unless it failed or others were chosen since. */
  async function act(change) {
    const before = [...chosen.ids].join();
    if ((await change(known())) && [...chosen.ids].join() === before) chosen.end();
  }

  const remove = () => act((photos) => actions.remove(photos));
  onSlot(part("remove"), remove);
  onSlot(part("visibility"), () =>
    act((photos) => actions.setVisibility(photos, visibilityAfter(photos))),
  );
  onSlot(part("approve"), () => act((photos) => actions.setStanding(photos, "shown")));
  onSlot(part("hide"), () => act((photos) => actions.setStanding(photos, "hidden")));
  onSlot(part("share"), () => shareFiles(known(), notice.tell));
  onSlot(part("download"), async (event) => {
    if (chosen.ids.size <= MOST_IN_ADDRESS) return;
    event.preventDefault();
    const kept = keepSelection([...chosen.ids]);
    if (await errorOf(kept)) notice.tell("Couldn't start the download. Try again.");
    else save(`/photos.zip?selection=${(await kept).id}`);
  });
  part("leave").addEventListener("click", () => chosen.end());
  chosen.addEventListener("chosen-changed", update);
  gallery.addEventListener("photos-loaded", update);
  visitor.addEventListener("visitor-changed", update);
  return { remove: () => part("remove").click() };
}

/** By a link: to leave for a file, the page would ask whether to stop what is being added. */
function save(address) {
  Object.assign(document.createElement("a"), { href: address, download: "" }).click();
}
