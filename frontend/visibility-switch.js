/** Who sees what the visitor adds from now on. */

const KEPT_AS = "dropwall-visibility";
const WORDS = {
  everyone: {
    label: "Everyone",
    meaning: "Everyone here sees what you add.",
    drop: "Drop to add to the wall",
  },
  own: {
    label: "The host",
    meaning: "Only you and the host can see your photos.",
    drop: "Drop to add for you and the host",
  },
  approval: {
    label: "Everyone",
    meaning: "Your photos appear once the host approves them.",
    drop: "Drop to add to the wall",
  },
};

/** For whom what is added without another choice is here, in words. */
function wordsOf({ mode, account }) {
  return WORDS[(!account?.is_host && mode) || "everyone"];
}

/**
 * @param {HTMLFieldSetElement} el dispatches `visibility-chosen` {meaning}, a sentence
 * @param {{mode?: string, account?: object|null}} settings of the server
 */
export function mountVisibilitySwitch(el, settings) {
  const radio = (value) => el.querySelector(`[value=${value}]`);
  const words = wordsOf(settings);
  const where = settings.account ? "" : ", and only on this device unless you sign in";
  const dropped = new Map(); // name of a folder that is being read → what was chosen at its drop
  const value = () => (radio("owner").checked ? "owner" : "everyone");
  const meaning = () =>
    value() === "owner" ? `Only you see what you add now${where}.` : words.meaning;

  function update() {
    el.querySelector("[data-meaning]").textContent = meaning();
  }

  // It outlives a reload, as the files on their way do: what somebody wants to keep to themselves
  // must not become everyone's because the page was loaded again. It does not outlive the visit:
  // weeks later nobody remembers why the others do not see their photos.
  if (readKept() === "owner") radio("owner").checked = true;
  el.querySelector("[data-everyone]").textContent = words.label;
  update();
  el.addEventListener("change", () => {
    keep(value());
    update();
    el.dispatchEvent(new CustomEvent("visibility-chosen", { detail: { meaning: meaning() } }));
  });
  document.addEventListener(
    "drop",
    ({ dataTransfer }) => {
      for (const item of dataTransfer?.items ?? []) {
        const entry = item.webkitGetAsEntry?.();
        // Of two folders of one name nobody knows which a file is from: then it is private.
        const isSecret = dropped.get(entry?.name) === "owner";
        if (entry?.isDirectory && !isSecret) dropped.set(entry.name, value());
      }
    },
    true,
  );

  return {
    /** For a file that is added now. A folder is read bit by bit: all of it goes where it was dropped. */
    visibilityOf: ({ fullPath = "" }) => dropped.get(fullPath.split("/")[0]) ?? value(),

    /** No folder is being read any more. */
    forgetFolders: () => dropped.clear(),

    /** What guests should know before they wonder where their photos are; else empty. */
    get rule() {
      return words === WORDS.everyone ? "" : meaning();
    },

    get dropWords() {
      return value() === "owner" ? "Drop to add for you only" : words.drop;
    },
  };
}

function readKept() {
  try {
    return sessionStorage.getItem(KEPT_AS);
  } catch {
    return null; // this browser keeps nothing
  }
}

function keep(visibility) {
  try {
    sessionStorage.setItem(KEPT_AS, visibility);
  } catch {
    // It is as it was at the next visit.
  }
}
