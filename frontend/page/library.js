/** Starts the libraries that index.html declares: from the CDN, or from Dropwall itself where the
 * CDN does not answer. */

const SILENCE_MS = 300; // a CDN that a party's own network blocks without a word answers never
const PATIENCE_MS = 4_000; // with both, where neither has failed

const loaded = new Set(); // declarations whose file is there
let isOwnQuicker = false; // Dropwall has once answered where the CDN had not: it is asked first

/**
 * Loads every file declared with `<link data-library="NAME">`, in parallel.
 *
 * A source that fails gives way to the other at once, one that is silent after 300 ms; what comes
 * first is used. So where Dropwall has its own copies a library is there as soon as it has sent
 * them, and where there are none either, the promise rejects after `patienceMs` at the latest.
 * @param {string} name also the name of the global that the library defines
 * @param {number} [patienceMs]
 * @returns {Promise<any>} that global; rejects when a file can be had from neither place
 */
export async function loadLibrary(name, patienceMs = PATIENCE_MS) {
  const declarations = document.querySelectorAll(`link[data-library="${name}"]`);
  const missing = [...declarations].filter((declaration) => !loaded.has(declaration));
  await Promise.all(missing.map((declaration) => loadFile(declaration, patienceMs)));
  if (!(name in window)) throw new Error(`${name} did not start.`);
  return window[name];
}

async function loadFile(declaration, patienceMs) {
  const ownCopy = new URL(declaration.href).pathname.replace(/^\/npm\//, "/vendor/");
  const addresses = [declaration.href, ownCopy];
  if (isOwnQuicker) addresses.reverse();
  const first = appendFile(declaration, addresses[0]);
  if (await isLoadedWithin(first, SILENCE_MS)) return;
  const second = appendFile(declaration, addresses[1]);
  // What comes last is started as well: it defines the same once more, and does no harm.
  const late = new Promise((_, reject) => setTimeout(reject, patienceMs));
  await Promise.race([Promise.any([first, second]), late]);
  isOwnQuicker = !(await isLoadedWithin(addresses[0] === ownCopy ? second : first, 0));
}

/** False as soon as it has failed. */
function isLoadedWithin(loading, milliseconds) {
  const isLoaded = loading.then(
    () => true,
    () => false,
  );
  const isLate = new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));
  return Promise.race([isLoaded, isLate]);
}

function appendFile(declaration, address) {
  const { integrity, crossOrigin } = declaration;
  const element =
    declaration.as === "style"
      ? Object.assign(document.createElement("link"), {
          rel: "stylesheet",
          integrity,
          crossOrigin,
          href: address,
        })
      : Object.assign(document.createElement("script"), { integrity, crossOrigin, src: address });
  return new Promise((resolve, reject) => {
    element.addEventListener("load", () => {
      loaded.add(declaration);
      resolve(undefined);
    });
    element.addEventListener("error", () => {
      element.remove();
      reject(new Error(`${address} could not be loaded.`));
    });
    document.head.append(element);
  });
}
