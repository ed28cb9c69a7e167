/** The composition of the page: finds its elements, opens its rooms and joins them. No room knows
 * another one. */

import { Chosen } from "./gallery/chosen.js";
import { evictRemovedPhotos } from "./gallery/evict-removed.js";
import { mountFilter } from "./gallery/filter.js";
import { Gallery } from "./gallery/gallery.js";
import { PhotoGrid } from "./gallery/grid.js";
import { keepFresh } from "./gallery/live.js";
import { mountNewPhotos } from "./gallery/new-photos.js";
import { PhotoActions } from "./gallery/photo-actions.js";
import { mountScrubber } from "./gallery/scrubber.js";
import {
  followAddress,
  forgetAddress,
  isAtPhoto,
  isAtSlideshow,
  reloadOnce,
  showOriginal,
  showSlideshowAddress,
  slideshowSettings,
} from "./page/address.js";
import { mountAnnouncer } from "./page/announcer.js";
import { fetchSettings } from "./page/api.js";
import { formatCount } from "./page/format.js";
import { mountHeader } from "./page/header.js";
import { mountMenu } from "./page/menu.js";
import { mountNotice } from "./page/notice.js";
import { askPatiently, orUndefined } from "./page/patience.js";
import { Visitor } from "./page/visitor.js";

const FIRST_PHOTOS_MS = 1_000; // after which the rest of the page waits for no photo any more

const find = (selector) => document.querySelector(selector);
const menu = find(".gallery-menu");
const openMenu = find("[data-open-menu]");
const slideshowLink = menu.querySelector("[data-slideshow]");

const gallery = new Gallery();
const visitor = new Visitor();
const announcer = mountAnnouncer(find(".announcer"));
const notice = mountNotice(find(".notice"), {
  undo: (removals) => actions.undo(removals),
  loseFocus: () => actions.focusNeighbour(),
});

const chosen = new Chosen(gallery);
const grid = new PhotoGrid(find(".photo-grid"), {
  gallery,
  chosen,
  header: find(".page-header"),
  footer: find(".chosen-bar-body"),
  more: find(".photo-grid-more"),
  time: find(".photo-time"),
  onOpen: enlarge,
  onRemove: (photo) => actions.remove([photo]),
});
mountScrubber(find(".scrubber"), gallery, grid);
mountNewPhotos(find(".new-photos"), gallery, grid);
mountHeader(find(".page-header"));
const filter = mountFilter(find(".gallery-filter"), find("[data-search]"), gallery, visitor);
let choosing = null; // until somebody may choose: a promise whether its scripts are there
let lightbox = null; // until its scripts are there
let slideshow = null;
let uploads = null; // the queue, where Dropzone can be had
let lookWhoIsHere = () => {}; // until it is known who was here first
const actions = new PhotoActions({
  gallery,
  grid,
  visitor,
  notice,
  lightbox: {
    leave: (id) => lightbox?.leave(id),
    turnTo: (id) => lightbox?.turnTo(id),
    focus: () => lightbox?.focus(),
  },
});
evictRemovedPhotos(gallery);

gallery.addEventListener("photos-changed", ({ detail: { arrived } }) => {
  document.body.dataset.gallery = gallery.total > 0 ? "filled" : "empty";
  openMenu.hidden = false;
  find(".photo-count").textContent = formatCount(gallery.total, "photo");
  visitor.setClosed(gallery.closed);
  visitor.see([...arrived].map((id) => gallery.find(id)?.photo));
});
gallery.addEventListener("photos-loaded", ({ detail: { ids } }) => {
  visitor.see([...ids].map((id) => gallery.find(id)?.photo));
});
menu.addEventListener("beforetoggle", () => {
  const isScreenEmpty = visitor.mode === "own" && !visitor.hasPhotos; // it shows none of others
  slideshowLink.hidden = isScreenEmpty;
  slideshowLink.search = gallery.selection.by && `by=${gallery.selection.by}`;
  menu.querySelector("[data-select]").hidden = gallery.total === 0;
  menu.querySelector("[data-download-all]").hidden = gallery.total === 0;
  for (const mine of menu.querySelectorAll("[data-show-mine], [data-download-mine]"))
    mine.hidden = gallery.total === 0 || !visitor.hasPhotos;
});
slideshowLink.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a tab of its own
  event.preventDefault();
  history.pushState(null, "", slideshowLink.href);
  follow();
});
menu.querySelector("[data-select]").addEventListener("click", async () => {
  if (!(await openChoosing())) return;
  chosen.begin();
  grid.focusPhoto(grid.firstInView?.id);
});
menu.querySelector("[data-show-mine]").addEventListener("click", () => filter.choose(visitor.id));
mountMenu(menu, openMenu);

for (const event of ["dragover", "drop"]) document.addEventListener(event, refuseEarlyDrop);
keepFresh(
  gallery,
  (isUnreachable) => (find(".unreachable").hidden = !isUnreachable),
  () => lookWhoIsHere(),
);
followAddress(follow);
const asked = askForSettings();
await firstPhotos();
document.head.append(find("#later").content); // links to all scripts that are imported here
openChoosing();
openLightbox().catch(() => {}); // so that a tap waits for nothing; who taps then is told
const settings = await asked;
if (visitor.isHost) openHost();
openPeople(openUploads());

async function askForSettings() {
  const found = (await orUndefined(askPatiently(fetchSettings))) ?? {};
  visitor.become(found);
  return found;
}

/**
 * Settles once a first photo can be seen, there is none, or it takes long. What the first photos can
 * be shown without is imported after that.
 * @returns {Promise<void>}
 */
function firstPhotos() {
  if (gallery.version !== null && gallery.total === 0) return Promise.resolve();
  return new Promise((resolve) => {
    find(".photo-grid").addEventListener("load", resolve, { capture: true, once: true });
    gallery.addEventListener("photos-changed", () => gallery.total === 0 && resolve());
    setTimeout(resolve, FIRST_PHOTOS_MS);
  });
}

function openChoosing() {
  choosing ??= import("./gallery/choosing.js").then(
    (room) => {
      const elements = { list: find(".photo-grid"), bar: find(".chosen-bar") };
      room.mountChoosing(elements, { chosen, gallery, grid, visitor, actions, notice });
      return true;
    },
    () => recover(),
  );
  return choosing;
}

async function openHost() {
  const scripts = Promise.all([import("./host/moderation.js"), import("./host/closing.js")]);
  const rooms = await scripts.catch(() => recover());
  if (!rooms) return;
  const [moderation, closing] = rooms;
  closing.mountClosing(menu, { gallery, visitor, notice });
  moderation.mountModeration(
    {
      list: find(".photo-grid"),
      bar: find(".moderation-bar"),
      waiting: find(".waiting-count"),
      overview: find(".host-overview"),
      confirm: find(".confirm-dialog"),
      menu,
    },
    { gallery, visitor, filter, actions },
  );
}

async function openUploads() {
  const room = await import("./upload/index.js").catch(() => recover());
  if (!room) {
    find(".upload-zone").dataset.state = "plain";
    return;
  }
  uploads = await room.takeUploads({ announcer, notice, visitor }, () => {
    visitor.setHasPhotos(true);
    orUndefined(gallery.refresh()); // if it fails, live.js keeps trying
  });
}

/** @param {Promise<void>} opening of the uploads, without which the rest is there, too */
async function openPeople(opening) {
  const scripts = Promise.all([import("./people/account.js"), import("./people/name.js")]);
  const people = await scripts.catch(() => recover());
  if (!people) return;
  const [account, name] = people;
  account.mountAccountMenu(find(".account-menu"), settings.account, notice.tell);
  if (settings.guest) joinName(name);
  await opening;
  lookWhoIsHere = account.followOtherTabs(settings, uploads);
}

function joinName({ mountName }) {
  const tray = find(".upload-tray");
  const name = mountName(
    {
      offer: find(".name-offer"),
      dialog: find(".name-dialog"),
      button: menu.querySelector("[data-name]"),
    },
    {
      settings,
      visitor,
      opener: openMenu,
      thank: notice.tell,
      focusNext: () => tray.querySelector("[data-toggle]").focus(),
    },
  );
  tray.addEventListener("uploads-began", ({ detail }) => name.offer(detail.shared));
  tray.addEventListener("uploads-done", () => name.endOffer());
}

async function openLightbox() {
  const { Lightbox } = await import("./lightbox/lightbox.js");
  lightbox ??= new Lightbox({
    gallery,
    grid,
    visitor,
    notice,
    showAll: filter.showAll,
    onRemove: (photo) => actions.remove([photo]),
    onVisibility: (photo, visibility) => actions.setVisibility([photo], visibility),
    onStanding: (photo, standing) => actions.setStanding([photo], standing),
    async onGuest({ id, name }) {
      await lightbox.close();
      filter.choose(id, name);
    },
  });
  return lightbox;
}

/** Shows the original where the lightbox's scripts cannot be had, or no longer fit to the page's. */
function enlarge(photo) {
  openLightbox().then(
    (opened) => opened.open(photo),
    () => showOriginal(photo),
  );
}

/** Shows what the address says. */
function follow() {
  if (isAtSlideshow()) openSlideshow();
  else slideshow?.close();
  if (lightbox || isAtPhoto()) {
    openLightbox().then(
      (opened) => opened.openAddress(),
      () => recover("Couldn't open this photo. Try again.").then(forgetAddress),
    );
  }
}

async function openSlideshow() {
  const isByHand = Boolean(navigator.userActivation?.isActive); // by now, not once it is loaded
  const { by } = slideshowSettings();
  if (by && by !== gallery.selection.by) filter.choose(by);
  else if (!by && gallery.isFiltered) filter.showAll();
  const room = await import("./slideshow/slideshow.js").catch(() => {
    showSlideshowAddress(false);
    return recover("Couldn't open the slideshow. Try again.");
  });
  if (!isAtSlideshow()) return;
  if (!room) return forgetAddress();
  showSlideshowAddress();
  slideshow ??= new room.Slideshow(find(".slideshow"), gallery, visitor, () => {
    forgetAddress();
    follow();
  });
  slideshow.open(isByHand);
}

/**
 * Loads the page again where scripts of a room were lost on their way, or are of another version and
 * do not fit to the page's: browsers remember that an import has failed. Says so where this does not
 * help, or would cost something: while the server does not answer, photos are being added, or the page
 * has just been reloaded. Returns only then.
 * @returns {Promise<undefined>}
 */
async function recover(sentence = "Part of this page didn't load. Reload it.") {
  const isIdle = !uploads?.hasPending && find("input[name=file]").files.length === 0;
  const isWorthIt = isIdle && (await orUndefined(fetchSettings())) !== undefined;
  if (isWorthIt && reloadOnce("dropwall-scripts-lost")) await new Promise(() => {}); // the page goes
  notice.tell(sentence);
  return undefined;
}

/** A browser leaves the page for a file that is dropped where nothing takes it: beside the form's own
 * field, until Dropzone does. */
function refuseEarlyDrop(event) {
  const isTaken = find(".upload-zone").dataset.state === "ready" || event.target.matches?.("input");
  if (isTaken || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}
