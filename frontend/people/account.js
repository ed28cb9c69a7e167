/** The account that is signed in: its entries in the menu, and other tabs that change it. */

import { fetchSettings, signOut } from "../page/api.js";
import { tabMemory } from "../page/memory.js";
import { errorOf, orUndefined, sentenceOf } from "../page/patience.js";
import { forgetVisitor } from "../page/visitor.js";

const SIGNED_OUT = "dropwall-signed-out"; // the name of an account whose photos wait

/**
 * @param {HTMLElement} el
 * @param {import("../page/api.js").Account|null} account
 * @param {(sentence: string) => void} tell
 */
export function mountAccountMenu(el, account, tell) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  part("sign-in").hidden = Boolean(account);
  part("account").hidden = part("sign-out").hidden = !account;
  part("account").textContent = account ? `${account.name}${account.is_host ? " (Host)" : ""}` : "";
  part("sign-out").addEventListener("click", async () => {
    const error = await errorOf(signOut());
    if (error) return tell(sentenceOf(error, "Couldn't sign you out"));
    forgetVisitor();
    location.reload();
  });
  const name = tabMemory.read(SIGNED_OUT);
  tabMemory.forget(SIGNED_OUT);
  if (name && name !== account?.name) {
    const until = `until ${name} signs in again`;
    tell(`${name} was signed out. Photos that weren't added yet wait on this device ${until}.`);
  }
}

/**
 * Reloads the page when another tab has signed somebody in or out: the visitor is another guest then
 * in all tabs. Looks whenever the page is shown again, and when a photo was refused.
 *
 * While a guest's photos are on their way the page stays as it is: they go to the account that has
 * signed in. An account's photos wait for that account, so its page needn't.
 * @param {import("../page/api.js").Settings} settings as the page was opened
 * @param {(EventTarget & {isBusy: boolean, wouldLose: boolean, hasPending: boolean})|null} queue of
 *   uploads
 * @returns {() => void} looks now
 */
export function followOtherTabs({ guest, account }, queue) {
  // Without cookies everybody is another guest each time.
  if (!guest || !navigator.cookieEnabled) return () => {};
  const isBusy = () => queue !== null && (queue.isBusy || queue.wouldLose);
  let isPutOff = false;
  let isLooking = false;

  async function look() {
    if (document.hidden || isLooking) return;
    isLooking = true;
    const present = await orUndefined(fetchSettings());
    isLooking = false;
    if (!present || present.guest.id === guest.id) return;
    isPutOff = !account && isBusy();
    if (isPutOff) return;
    if (account && queue?.hasPending) tabMemory.write(SIGNED_OUT, account.name);
    location.reload();
  }

  function goOn({ detail: { upload } }) {
    if (upload.state === "failed") return void look();
    if (!isPutOff || isBusy()) return;
    isPutOff = false;
    look();
  }

  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", look);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  queue?.addEventListener("upload-changed", goOn);
  return look;
}
