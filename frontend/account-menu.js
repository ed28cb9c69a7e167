/** Who is signed in, and the way in and out. */

import { signOut } from "./api.js";
import { forgetSender } from "./sender.js";
import { errorOf, sentenceOf } from "./trouble.js";

/**
 * @param {HTMLElement} el
 * @param {Promise<object>} settings of the server
 * @param {(sentence: string) => void} tell
 */
export async function mountAccountMenu(el, settings, tell) {
  const part = (name) => el.querySelector(`[data-${name}]`);
  const { account } = await settings;
  part("sign-in").hidden = Boolean(account);
  part("account").hidden = part("sign-out").hidden = !account;
  part("account").textContent = `Account: ${account?.name ?? ""}`;
  part("sign-out").addEventListener("click", async () => {
    const error = await errorOf(signOut());
    if (error) return tell(sentenceOf(error, "You could not be signed out just now"));
    forgetSender(); // whoever comes next on this device is somebody else
    location.reload();
  });
}
