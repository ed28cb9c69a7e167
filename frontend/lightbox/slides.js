/** What PhotoSwipe shows of a photo: its large thumbnail, its original where it is zoomed into, or what
 * there is to say in its place. */

import { photoName } from "../page/format.js";

const LARGE_PX = 2048; // width of the large thumbnail
const LONG_RATIO = 2.5; // of a panorama, which is a strip even if it is three times as large
const MOST_ZOOMED_PX = 4000; // width to which a tap enlarges a photo of the common shapes

/**
 * The slide of an item.
 * @param {import("../gallery/places.js").Item} item
 * @param {boolean} isRemoved
 */
export function slideOf(item, isRemoved) {
  const { photo } = item;
  if (!photo || isRemoved) {
    return { item, isRemoved, width: Math.round(LARGE_PX * item.ratio), height: LARGE_PX };
  }
  const { width, height, url, animated } = photo;
  const hasMore = width > LARGE_PX && !animated && !/\.hei[cf]$/.test(url); // which only Safari shows
  const scale = animated || hasMore ? 1 : Math.min(1, LARGE_PX / width);
  const large = photo.thumbnails[LARGE_PX];
  return {
    item,
    src: animated ? url : large,
    ...(hasMore && { srcset: `${large} ${LARGE_PX}w, ${url} ${width}w` }),
    msrc: thumbnailOf(photo),
    alt: photoName(photo),
    thumbCropped: true,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
  };
}

/** The one that its tile shows: it is there even if the network is not. */
function thumbnailOf({ id, thumbnails }) {
  const image = document.querySelector(`.photo-tile[data-id="${id}"] img`);
  return image?.currentSrc || thumbnails[320];
}

/** A filter of PhotoSwipe's: the width in CSS pixels by which the browser chooses from the `srcset`. The
 * original is loaded only for somebody who zooms in. */
export function showOriginalWhenZoomed(width, { slide }) {
  const isZoomed = slide?.currentResolution > slide?.zoomLevels.initial;
  return isZoomed ? width : Math.min(width, LARGE_PX / devicePixelRatio);
}

/** An option of PhotoSwipe's: how far a tap or the button zooms in, 1 being the photo's own pixels. */
export function zoomedLevel({ elementSize: { x, y }, fit }) {
  if (Math.max(x / y, y / x) > LONG_RATIO) return 1;
  return Math.min(1, fit * 3, MOST_ZOOMED_PX / x);
}

/** A filter of PhotoSwipe's: what is shown where a picture can't be loaded, over its sentence. */
export function showThumbnailInstead(sentence, { data }) {
  const image = Object.assign(new Image(), { src: data.msrc, alt: data.alt });
  image.addEventListener("error", () => image.remove());
  const instead = document.createElement("div");
  instead.className = "lightbox-unavailable";
  instead.append(image, sentence);
  return instead;
}

/** A listener of PhotoSwipe's: makes a slide that is not a picture. */
export function showWords(event) {
  const { isRemoved, src } = event.content.data;
  if (src) return;
  event.preventDefault();
  const element = document.createElement("p");
  element.className = "lightbox-words-only";
  element.textContent = isRemoved ? "This photo was removed." : "";
  event.content.element = element;
}
