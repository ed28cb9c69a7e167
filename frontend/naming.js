/** The composition of all that asks who sends photos: once, when the first are on their way. */

import { mountNameDialog } from "./name-dialog.js";
import { Sender } from "./sender.js";
import { seesOthers } from "./viewer.js";

const find = (selector) => document.querySelector(selector);

/** @param {Promise<object>} settings of the server */
export async function askForNames(settings) {
  const { guest, account, mode } = await settings;
  if (!guest) return;
  if (!seesOthers({ account, mode })) speakOfTheHost();
  const sender = new Sender(guest, account);
  const dialog = mountNameDialog(find(".name-dialog"));
  const offer = find(".name-offer");
  const ask = () => dialog.ask(sender.name, (name) => sender.save(name));

  find(".gallery-menu [data-name]").addEventListener("click", () => {
    find("[data-open-menu]").focus(); // it gets the focus back from the dialog
    ask();
  });
  find(".upload-summary").addEventListener("uploads-began", ({ detail }) => {
    offer.hidden = sender.wasAsked || detail.shared === 0;
  });
  offer.querySelector("[data-add]").addEventListener("click", ask);
  offer.querySelector("[data-decline]").addEventListener("click", () => sender.decline());
  find(".upload-summary").addEventListener("uploads-done", () => {
    if (!offer.hidden) sender.decline(); // asked once is enough
  });
  sender.addEventListener("sender-changed", () => {
    const hadFocus = offer.contains(document.activeElement);
    offer.hidden = true;
    if (hadFocus) find(".upload-summary [data-toggle]").focus();
  });
}

/** Where guests see their own photos only, nobody else is shown a name. */
function speakOfTheHost() {
  find(".name-offer [data-question]").textContent = "Shall the host see whose photos these are?";
  find(".name-dialog [data-meaning]").textContent =
    "The host sees it with your photos. Leave it empty to stay unnamed.";
}
