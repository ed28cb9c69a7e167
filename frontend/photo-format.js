/** What a file is, as its first bytes say; its name may say something else. */

const SPELLINGS = {
  jpg: ["jpg", "jpeg", "jpe", "jfif", "mpo"],
  png: ["png", "apng"],
  gif: ["gif"],
  webp: ["webp"],
  avif: ["avif"],
  heic: ["heic", "heif", "hif"],
};
// As the server has them (containers.py). A brand that HEIC and AVIF share is followed by others.
const BEGINNINGS = {
  jpg: /^\xff\xd8\xff/,
  png: /^\x89PNG\r\n/,
  gif: /^GIF8[79]a/,
  webp: /^RIFF.{4}WEBP/s,
  avif: /^.{4}ftyp(?:(?:mif1|miaf|msf1).{4}(?:.{4})*?)?avi[fs]/s,
  heic: /^.{4}ftyp(?:mif1|miaf|msf1|hei[cxms]|hev[cmsx])/s,
};
const LOOKED_AT_BYTES = 64;

/** In lower case; empty where there is none, as in `v1.2`. The server has the same rule (names.py). */
export function extensionOf(name) {
  return /\.([a-z][a-z0-9]{1,4}|3g[p2]|3gpp|7z)$/i.exec(name)?.[1].toLowerCase() ?? "";
}

/** @returns {Promise<string>} empty for what is no photo, or cannot be read */
export async function trueExtensionOf(file) {
  try {
    const bytes = new Uint8Array(await file.slice(0, LOOKED_AT_BYTES).arrayBuffer());
    const text = String.fromCharCode(...bytes);
    return Object.keys(BEGINNINGS).find((kind) => BEGINNINGS[kind].test(text)) ?? "";
  } catch {
    return ""; // moved or changed on the device: the request will say so
  }
}

/**
 * The file's name with its true extension: phones call a JPEG `IMG_1.HEIC`, the server refuses that.
 * @param {{extensions?: string[]}} settings of the server, as far as they are known
 */
export async function trueNameOf(file, { extensions }) {
  const { name } = file;
  const extension = extensionOf(name);
  const isTaken = (spelling) => !extensions || extensions.includes(spelling);
  const spellings = SPELLINGS[await trueExtensionOf(file)]?.filter(isTaken) ?? [];
  if (!extension || spellings.length === 0 || spellings.includes(extension)) return name;
  const isPhotos = Object.values(SPELLINGS).flat().includes(extension);
  return `${isPhotos ? name.slice(0, -extension.length - 1) : name}.${spellings[0]}`;
}
