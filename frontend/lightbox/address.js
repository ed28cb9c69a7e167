/** The address of an enlarged photo, `/photo/<id>`, which lies over the gallery's. */

const PHOTO = /^\/#?photo\/([0-9a-f]{32})$/; // earlier versions had it behind a `#`
const RESTED_MS = 500; // Safari refuses more than 100 changes of the address in 30 seconds

/** @returns {string|undefined} the id of the photo at this address */
export function readPhotoId() {
  return PHOTO.exec(location.pathname + location.hash)?.[1];
}

/** @returns {string} the address to share */
export function photoAddress(id) {
  return new URL(`/photo/${id}`, location.href).href;
}

/** Whether going back leads from a photo to the gallery; so it is after a reload, too. */
export function isOverGallery() {
  return Boolean(history.state?.isOverGallery);
}

/**
 * Shows the address of the photo that is enlarged, until it is left.
 * @param {string} id of the first photo
 * @param {() => void} whenLeft the visitor has gone back, as people do on a phone
 */
export function enterAddress(id, whenLeft) {
  let timer;
  const show = (photoId, change) => change({ isOverGallery: true }, "", photoAddress(photoId));
  const replace = history.replaceState.bind(history);
  history.scrollRestoration = "manual"; // the photo last seen is scrolled to instead
  show(id, isOverGallery() ? replace : history.pushState.bind(history));
  window.addEventListener("popstate", whenLeft, { once: true });

  return {
    /** The address follows once the visitor rests on a photo. */
    turn(photoId) {
      clearTimeout(timer);
      timer = setTimeout(() => show(photoId, replace), RESTED_MS);
    },

    leave() {
      clearTimeout(timer);
      window.removeEventListener("popstate", whenLeft);
      const giveBack = () => setTimeout(() => (history.scrollRestoration = "auto"));
      if (!isOverGallery()) return void giveBack();
      window.addEventListener("popstate", giveBack, { once: true }); // the mode is each address's own
      history.back();
    },
  };
}
