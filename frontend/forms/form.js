/** A page that is one form: what is wrong is said in its place, without another page. */

import { Refused, RequestError, sendForm } from "../page/api.js";
import { sentenceOf } from "../page/patience.js";
import { forgetVisitor } from "../page/visitor.js";

const form = document.querySelector("[data-form]");
const trouble = form.querySelector("[role=alert]");
const said = form.querySelector("[data-said]");
const fields = [...form.querySelectorAll("input[data-blamed-by]")];

form.querySelector("[aria-invalid=true]")?.select(); // the server has said so
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  tell("");
  try {
    await sendForm(form);
    goOn();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    tell(sentenceOf(error, "Can't reach the gallery"));
    if (error instanceof Refused) blamed(error.code).setAttribute("aria-invalid", "true");
  } finally {
    button.disabled = false;
    const wrong = form.querySelector("[aria-invalid=true]");
    (wrong ?? button).focus();
    wrong?.select();
  }
});

for (const wayOut of document.querySelectorAll(".form-page-ways form")) {
  wayOut.addEventListener("submit", forgetVisitor); // whoever comes next on this device is somebody else
}

function tell(sentence) {
  trouble.textContent = sentence;
  for (const field of fields) field.removeAttribute("aria-invalid");
  if (said) said.textContent = "";
}

/** The field that a refusal is about; most are about what is secret. */
function blamed(refusal) {
  const by = (name) => fields.find((field) => field.dataset.blamedBy.split(" ").includes(name));
  return by(refusal) ?? by("*") ?? fields.at(-1);
}

/** Where one wanted to go; that may be here. */
function goOn() {
  const next = form.elements.next.value;
  if (said) {
    form.reset();
    said.textContent = form.dataset.done;
  } else if (next === location.pathname) location.reload();
  else location.replace(next);
}
