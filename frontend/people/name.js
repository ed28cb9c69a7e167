/** The visitor's name: asked for once, when their first photos are on the way, and remembered here. */

import { RequestError, nameGuest } from "../page/api.js";
import { deviceMemory } from "../page/memory.js";
import { errorOf, orUndefined, sentenceOf } from "../page/patience.js";
import { NAME_KEPT_AS } from "../page/visitor.js";

const NOTHING = { name: "", wasAsked: false, ownerId: null };

/**
 * @param {{offer: HTMLFormElement, dialog: HTMLDialogElement, button: HTMLButtonElement}} elements
 *   `offer` asks beside the uploads, `button` opens the dialog from the menu
 * @param {object} parts
 * @param {import("../page/api.js").Settings} parts.settings
 * @param {import("../page/visitor.js").Visitor} parts.visitor
 * @param {() => void} parts.focusNext where the focus goes when the offer had it and goes
 * @param {HTMLElement} parts.opener gets the focus back from the dialog
 * @param {(sentence: string) => void} parts.thank
 */
export function mountName({ offer, dialog, button }, parts) {
  const { settings, visitor, focusNext, opener, thank } = parts;
  const name = new Name(settings, update);
  const ask = () => askIn(dialog, name);
  if (!visitor.seesOthers) speakOfTheHost(offer, dialog);

  function update() {
    button.textContent = name.text ? `Name: ${name.text}` : "Your name";
    const hadFocus = offer.contains(document.activeElement);
    offer.hidden = true;
    if (hadFocus) focusNext();
  }

  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  button.addEventListener("click", () => {
    opener.focus();
    ask();
  });
  button.hidden = false; // it would do nothing before
  update();
  offer.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = offer.querySelector("input").value.trim();
    const error = text ? await errorOf(name.save(text)) : name.decline();
    const trouble = error ? sentenceOf(error, "Couldn't save your name") : "";
    offer.querySelector("[data-trouble]").textContent = trouble;
    if (text && !error) thank(`Thanks, ${text}!`);
  });
  offer.querySelector("[data-decline]").addEventListener("click", () => name.decline());

  return {
    /** Photos are on the way. @param {number} shared how many of them others are to see */
    offer(shared) {
      offer.hidden = name.wasAsked || shared === 0;
    },

    /** The visitor has read how the uploads ended: asked once is enough. */
    endOffer() {
      if (!offer.hidden) name.decline();
    },
  };
}

class Name {
  #kept = readKept();
  #ownerId;
  #onChange;

  /**
   * @param {import("../page/api.js").Settings} settings
   * @param {() => void} onChange
   */
  constructor({ guest, account }, onChange) {
    this.text = guest.name ?? "";
    this.#ownerId = account ? guest.id : null;
    this.#onChange = onChange;
    // Signed out in another tab: this visitor is somebody else.
    if (this.#kept.ownerId && this.#kept.ownerId !== guest.id) this.#kept = NOTHING;
    // A server that has forgotten this guest (another cookie, a new database) is told again.
    if (!this.text && this.#kept.name) orUndefined(this.save(this.#kept.name));
  }

  get wasAsked() {
    return Boolean(this.text) || this.#kept.wasAsked;
  }

  async save(text) {
    await nameGuest(text);
    this.text = text;
    this.#keep({ name: text, wasAsked: true });
  }

  decline() {
    this.#keep({ ...this.#kept, wasAsked: true });
  }

  #keep(kept) {
    this.#kept = { ...kept, ownerId: this.#ownerId };
    deviceMemory.write(NAME_KEPT_AS, JSON.stringify(this.#kept));
    this.#onChange();
  }
}

function readKept() {
  try {
    return { ...NOTHING, ...JSON.parse(deviceMemory.read(NAME_KEPT_AS)) };
  } catch {
    return NOTHING; // not what we have written
  }
}

function askIn(dialog, name) {
  const [form, input] = [dialog.querySelector("form"), dialog.querySelector("input")];
  const trouble = dialog.querySelector(".name-dialog-trouble");
  input.value = name.text;
  trouble.textContent = "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      await name.save(input.value.trim());
      dialog.close();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      trouble.textContent = sentenceOf(error, "Couldn't save your name");
    }
  };
  dialog.showModal();
  input.select();
}

/** Where guests see their own photos only, nobody else is shown a name. */
function speakOfTheHost(offer, dialog) {
  offer.querySelector("[data-question]").textContent = "Let the host know who you are?";
  dialog.querySelector("[data-meaning]").textContent =
    "The host sees it with your photos. Leave empty to stay anonymous.";
}
