/** Starts the libraries that index.html declares: from the CDN, else from Dropwall itself. */

// A CDN that is blocked in silence (a party's own network) would otherwise hold everything up.
const CDN_SECONDS = 4;

/**
 * Loads every file declared with `<link data-library="NAME">`, in parallel.
 * @param {string} name also the name of the global that the library defines
 * @returns {Promise<any>} that global; rejects when a file can be had from neither place
 */
export async function loadLibrary(name) {
  if (name in window) return window[name];
  const declarations = document.querySelectorAll(`link[data-library="${name}"]`);
  await Promise.all([...declarations].map(loadFile));
  if (!(name in window)) throw new Error(`${name} did not start.`);
  return window[name];
}

async function loadFile(declaration) {
  try {
    await appendFile(declaration, declaration.href, CDN_SECONDS * 1000);
  } catch {
    const { pathname } = new URL(declaration.href);
    await appendFile(declaration, pathname.replace(/^\/npm\//, "/vendor/"));
  }
}

function appendFile(declaration, address, timeoutMs = 0) {
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
    const giveUp = () => {
      element.remove();
      reject(new Error(`${address} could not be loaded.`));
    };
    const timer = timeoutMs && setTimeout(giveUp, timeoutMs);
    element.addEventListener("load", () => (clearTimeout(timer), resolve()));
    element.addEventListener("error", () => (clearTimeout(timer), giveUp()));
    document.head.append(element);
  });
}
