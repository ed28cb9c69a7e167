/** Copies, on plain http too. */

export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // A party's network has no https, and without it browsers know no other way.
  const copied = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", copied, { once: true });
  document.execCommand("copy");
}
