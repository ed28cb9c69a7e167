/** Decides which photos are shown, and in which order, by the rules of the server (catalog/lists.py). */

const MAX_SEARCH = 100; // characters
const MAX_WORDS = 5;
const ALIKE = {
  ...{ æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", þ: "th", ł: "l", ħ: "h", ŧ: "t", ŋ: "n", ς: "σ" },
  ...{ ى: "ي", ی: "ي", ک: "ك", ة: "ه", ـ: "", "’": "'" },
};

/**
 * @typedef {object} Selection
 * @property {"arrival"|"taken"} sort
 * @property {"newest"|"oldest"} order which come first
 * @property {string} by a guest's id; empty is everybody
 * @property {string} words each in a photo's name or its guest's
 * @property {""|"pending"|"hidden"|"private"} only those that not everyone sees, and why
 */

/** The query of `GET /api/photos` and `/api/outline`. */
export function parametersOf({ sort, order, by, words, only }) {
  return {
    ...(sort !== "arrival" && { sort }),
    ...(order !== "newest" && { order }),
    ...(by && { by }),
    ...(words && { q: words }),
    ...(only && { only }),
  };
}

export function matches(photo, { by, words, only }) {
  if (by && photo.by.id !== by) return false;
  if (only && kindOf(photo) !== only) return false;
  const named = [photo.name, photo.by.name ?? ""].map(fold);
  const wanted = new Set(fold(words.slice(0, MAX_SEARCH)).split(/\s+/));
  return [...wanted].slice(0, MAX_WORDS).every((word) => named.some((name) => name.includes(word)));
}

/** Without accents, in lower case; nearly as `fold_for_search` of names.py, which knows more letters. */
function fold(text) {
  const letters = text.normalize("NFKD").replace(/[\p{M}\p{DI}]/gu, "");
  const small = letters.toUpperCase().toLowerCase(); // "ß" as "ss"
  return small.replace(/[^\0-\x7f]/gu, (letter) => ALIKE[letter] ?? letter);
}

function kindOf({ visibility, standing }) {
  return visibility === "owner" ? "private" : standing;
}

/** What a photo is sorted by: seconds since 1970, a local time read as UTC. */
export function momentOf(photo, sort) {
  const time = (sort === "taken" && photo.taken) || photo.uploaded;
  return Date.parse(`${time.slice(0, 19)}Z`) / 1000;
}

/** Whether a photo comes before an item, whose details may not be loaded. */
export function isNewer(photo, item, sort) {
  const moment = momentOf(photo, sort);
  const isKnown = item.photo !== null;
  if (moment !== item.moment && !(sort === "arrival" && isKnown)) return moment > item.moment;
  return !isKnown || photo.version > item.photo.version;
}
