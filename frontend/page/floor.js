/* Sends browsers that are too old for the page to the plain gallery, before anything else starts, and
 * tells the style sheets that there are scripts (`@media (scripting)` came after the floor). Runs in
 * any browser. */

(function () {
  // Nested CSS came with iOS 16.5, Chrome 112, Samsung Internet 23 and Firefox 117.
  if (window.CSS && CSS.supports && CSS.supports("selector(&)")) {
    document.documentElement.setAttribute("data-scripted", "");
    window.addEventListener("error", recover, true); // which does not bubble
    return;
  }

  // The slideshow has a page of its own, which needs no more than a television of 2023 has.
  var canShowSlides = window.HTMLDialogElement && Object.hasOwn && Array.prototype.at;
  location.replace(canShowSlides && location.hash === "#wall" ? "/slideshow" : "/plain");
  document.write("<plaintext hidden>"); // the rest of the page is text now, and starts nothing

  /* The entry, or a script that it cannot do without, was lost on its way: the page would stay empty. */
  function recover(event) {
    if (event.target.type !== "module") return;
    location.replace(location.search === "?again" ? "/plain" : "/?again");
  }
})();
