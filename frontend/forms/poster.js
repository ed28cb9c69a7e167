/** The poster's one action; paper needs no script. */

const button = document.querySelector("[data-print]");
button.addEventListener("click", () => window.print());
button.hidden = false;
