/** Recognizes a photo's format by its first bytes; the name of the file may say something else. */

// The same as the server's (server/images/formats.py, heif.py), which a test compares. AVIF comes
// before HEIC: a file that has brands of both is an AVIF.
export const FORMATS = {
  jpg: {
    name: "JPEG",
    spellings: ["jpg", "jpeg", "jpe", "jfif", "mpo"],
    signature: /^\xff\xd8\xff/,
  },
  png: { name: "PNG", spellings: ["png", "apng"], signature: /^\x89PNG\r\n/ },
  gif: { name: "GIF", spellings: ["gif"], signature: /^GIF8[79]a/ },
  webp: { name: "WebP", spellings: ["webp"], signature: /^RIFF.{4}WEBP/s },
  avif: { name: "AVIF", spellings: ["avif"], brands: ["avif", "avis"] },
  heic: {
    name: "HEIC",
    spellings: ["heic", "heif", "hif"],
    brands: "mif1 mif2 miaf msf1 heic heix heim heis hevc hevx hevm hevs".split(" "),
  },
};
const LOOKED_AT_BYTES = 400; // as many brands as the server reads

/** In lower case; empty where there is none, as in `v1.2`. The server has the same rule (names.py). */
export function extensionOf(name) {
  return /\.([a-z][a-z0-9]{1,4}|3g[p2]|3gpp|7z)$/i.exec(name)?.[1].toLowerCase() ?? "";
}

/** @returns {Promise<string>} empty for what is no photo, or cannot be read */
export async function trueExtensionOf(file) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.slice(0, LOOKED_AT_BYTES).arrayBuffer());
  } catch {
    return ""; // moved or changed on the device: the request will say so
  }
  const text = String.fromCharCode(...bytes);
  const found = brandsOf(text);
  const isIt = ({ signature, brands }) =>
    signature ? signature.test(text) : brands.some((brand) => found.includes(brand));
  return Object.keys(FORMATS).find((extension) => isIt(FORMATS[extension])) ?? "";
}

/** Of an `ftyp` box (ISO 14496-12 4.3): the major brand, its version, then compatible brands. */
function brandsOf(text) {
  if (text.slice(4, 8) !== "ftyp") return [];
  const [a, b, c, d] = [...text.slice(0, 4)].map((letter) => letter.charCodeAt(0));
  const end = Math.min(((a * 256 + b) * 256 + c) * 256 + d, text.length);
  const brands = [text.slice(8, 12)];
  for (let at = 16; at < end; at += 4) brands.push(text.slice(at, at + 4));
  return brands;
}

/**
 * The file's name with its true extension: phones call a JPEG `IMG_1.HEIC`, the server refuses that.
 * @param {import("../page/api.js").Settings} settings
 */
export async function trueNameOf(file, settings) {
  const { name } = file;
  const extension = extensionOf(name);
  const spellings = takenSpellings(FORMATS[await trueExtensionOf(file)], settings);
  if (!extension || spellings.length === 0 || spellings.includes(extension)) return name;
  const isPhotos = Object.values(FORMATS).some((format) => format.spellings.includes(extension));
  return `${isPhotos ? name.slice(0, -extension.length - 1) : name}.${spellings[0]}`;
}

/**
 * The extensions under which the gallery takes photos of a format; none where it takes no such.
 * @param {{spellings: string[]}|undefined} format
 * @param {import("../page/api.js").Settings} settings
 */
export function takenSpellings(format, { extensions }) {
  const spellings = format?.spellings ?? [];
  return extensions ? spellings.filter((spelling) => extensions.includes(spelling)) : spellings;
}

/** Such as `JPEG, PNG or GIF`: the formats that the gallery takes. */
export function takenFormats(settings) {
  const names = Object.values(FORMATS)
    .filter((format) => takenSpellings(format, settings).length > 0)
    .map(({ name }) => name);
  return [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" or ");
}
