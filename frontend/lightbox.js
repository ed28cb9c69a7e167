/** One photo at a time over the whole screen: the only user of PhotoSwipe. */

import { formatBytes, formatDate } from "./format.js";

const LARGE_PX = 2048;
const PHOTOS_BEFORE_END = 5;

/**
 * @param {HTMLElement} el where events go: `photo-shown` {photo} as the visitor turns pages,
 *   `end-near` when more photos should be loaded, `lightbox-closed` {photo}
 * @param {{PhotoSwipe: Function, findTile: (id: string) => HTMLElement|undefined}} parts
 */
export function mountLightbox(el, { PhotoSwipe, findTile }) {
  let photos = [];
  let pswp = null;
  const shownPhoto = () => photos[pswp.currIndex];
  const dispatch = (name) =>
    el.dispatchEvent(new CustomEvent(name, { detail: { photo: shownPhoto() } }));

  function open(photo, knownPhotos) {
    const first = knownPhotos.findIndex(({ id }) => id === photo.id);
    if (pswp || first < 0) return;
    photos = [...knownPhotos];
    pswp = new PhotoSwipe(options(first));
    pswp.addFilter("numItems", () => photos.length);
    pswp.addFilter("itemData", (_, index) => slideOf(photos[index]));
    pswp.addFilter("thumbEl", (_, slide) => findTile(slide.photo.id)?.querySelector("img"));
    pswp.on("uiRegister", () => pswp.ui.registerElement(captionElement()));
    pswp.on("change", () => {
      dispatch("photo-shown");
      if (pswp.currIndex >= photos.length - PHOTOS_BEFORE_END) dispatch("end-near");
    });
    pswp.on("destroy", () => {
      dispatch("lightbox-closed");
      pswp = null;
    });
    pswp.init();
    pswp.element.ariaModal = "true";
    pswp.element.ariaLabel = "Photos";
    pswp.element.focus({ preventScroll: true });
    closeWithEscape(pswp);
    closeWithBack(pswp);
  }

  /** Takes in older photos at the end; the wall may have changed elsewhere, the slides stay put. */
  function extend(knownPhotos) {
    if (!pswp) return;
    const last = knownPhotos.findIndex((photo) => photo.id === photos.at(-1).id);
    if (last < 0 || last === knownPhotos.length - 1) return;
    const index = photos.length;
    photos.push(...knownPhotos.slice(last + 1));
    pswp.refreshSlideContent(index);
  }

  return { open, extend };
}

/** Closes it; while it opens, as soon as it can: PhotoSwipe itself would not. */
function close(pswp) {
  if (pswp.opener.isOpen) pswp.close();
  else pswp.on("openingAnimationEnd", () => pswp.close());
}

/** PhotoSwipe hears no key while it opens. */
function closeWithEscape(pswp) {
  pswp.element.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close(pswp);
  });
}

/** Whoever goes back, as people do on a phone, goes back to the wall. */
function closeWithBack(pswp) {
  const goBack = () => close(pswp);
  history.pushState({ isLightbox: true }, "");
  window.addEventListener("popstate", goBack, { once: true });
  pswp.on("destroy", () => {
    window.removeEventListener("popstate", goBack);
    if (history.state?.isLightbox) history.back();
  });
}

function options(index) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    index,
    dataSource: [],
    mainClass: "lightbox",
    bgOpacity: 1,
    loop: false,
    counter: false, // it would count the photos that are loaded, not those on the wall
    returnFocus: false, // the tile of the photo last seen is focused instead
    paddingFn: (viewport) => ({ top: 56, bottom: viewport.x < 600 ? 96 : 72, left: 0, right: 0 }),
    errorMsg: "This photo could not be shown.",
    closeTitle: "Close",
    zoomTitle: "Zoom",
    arrowPrevTitle: "Previous photo",
    arrowNextTitle: "Next photo",
    ...(isStill && { showHideAnimationType: "none", zoomAnimationDuration: 0 }),
  };
}

function slideOf(photo) {
  const scale = photo.animated ? 1 : Math.min(1, LARGE_PX / photo.width);
  return {
    photo,
    src: photo.animated ? photo.url : photo.thumbnails[LARGE_PX],
    msrc: photo.thumbnails[320],
    alt: photo.name,
    width: Math.round(photo.width * scale),
    height: Math.round(photo.height * scale),
    thumbCropped: true,
  };
}

function captionElement() {
  return {
    name: "caption",
    className: "lightbox-caption pswp__hide-on-close",
    appendTo: "root",
    onInit(caption, pswp) {
      caption.append(document.getElementById("lightbox-caption").content.cloneNode(true));
      pswp.on("change", () => fillCaption(caption, pswp.currSlide.data.photo));
    },
  };
}

function fillCaption(caption, photo) {
  const facts = [
    photo.by?.name && `by ${photo.by.name}`,
    photo.taken ? `taken ${formatDate(photo.taken)}` : `added ${formatDate(photo.uploaded)}`,
    formatBytes(photo.bytes),
    `${photo.width} × ${photo.height}`,
  ];
  caption.querySelector("[data-name]").textContent = photo.name;
  caption.querySelector("[data-facts]").textContent = facts.filter(Boolean).join(" · ");
  const download = caption.querySelector("a");
  download.href = photo.url;
  download.download = photo.name;
  download.ariaLabel = `Download ${photo.name}`;
}
