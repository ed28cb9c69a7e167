/** Announces to screen readers what others see, sparingly. */

const GATHERED_MS = 700;
const SENTENCES_AT_ONCE = 4;

/**
 * @param {HTMLElement} el a live region
 * @returns {{say(sentence: string)}} sentences that come together are said together
 */
export function mountAnnouncer(el) {
  let sentences = [];
  let timer = null;

  /** Assistive technology hears nothing of what is outside a modal dialog. */
  function enterCover() {
    const covers = document.querySelectorAll("dialog[open], [aria-modal=true]");
    const cover = covers[covers.length - 1] ?? document.body;
    if (el.parentElement !== cover) cover.append(el);
  }

  function speak() {
    timer = null;
    enterCover(); // what it was in may have gone
    const unsaid = sentences.length - SENTENCES_AT_ONCE;
    if (unsaid > 0) {
      // The first say what it is about, the last says how it came out.
      sentences.splice(SENTENCES_AT_ONCE - 1, unsaid, `And ${unsaid} more like these.`);
    }
    el.textContent = sentences.join(" ");
    sentences = [];
  }

  return {
    say(sentence) {
      sentences.push(sentence);
      enterCover(); // a while before it is filled, so that it is known by then
      timer ??= setTimeout(speak, GATHERED_MS);
    },
  };
}
