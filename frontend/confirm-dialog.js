/** Asks before something that is hard to take back. */

/** @param {HTMLDialogElement} el */
export function mountConfirmDialog(el) {
  const part = (name) => el.querySelector(`[data-${name}]`);

  return {
    /**
     * @param {{title: string, text: string, act: string}} question `act` is what its button says
     * @returns {Promise<boolean>} whether the visitor is sure
     */
    ask(question) {
      for (const [name, words] of Object.entries(question)) part(name).textContent = words;
      el.returnValue = "";
      el.showModal();
      return new Promise((resolve) => {
        el.addEventListener("close", () => resolve(el.returnValue === "sure"), { once: true });
      });
    },
  };
}
