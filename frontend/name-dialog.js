/** Asks for the visitor's name. */

/** @param {HTMLDialogElement} el */
export function mountNameDialog(el) {
  const [form, input] = [el.querySelector("form"), el.querySelector("input")];
  const trouble = el.querySelector(".name-dialog-trouble");

  el.querySelector("[data-cancel]").addEventListener("click", () => el.close());

  return {
    /**
     * @param {string} name as it is now
     * @param {(name: string) => Promise<void>} save what it rejects with is told, and asked again
     */
    ask(name, save) {
      input.value = name;
      trouble.textContent = "";
      form.onsubmit = async (event) => {
        event.preventDefault();
        try {
          await save(input.value.trim());
          el.close();
        } catch (error) {
          trouble.textContent = error.isRefusal
            ? error.message
            : "It could not be saved just now; please try again.";
        }
      };
      el.showModal();
      input.select();
    },
  };
}
