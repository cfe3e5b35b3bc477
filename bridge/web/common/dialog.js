// Questions that must be answered before something that cannot be taken back. They open on "no":
// whoever presses Enter without reading has changed nothing.

import { make, makeText } from "./dom.js";
import { plain } from "./format.js";
import { t } from "./i18n.js";

const HOLD = 1000; // ms that a button is held where a press is not enough

/**
 * Ask, with a button that does it and one that does not. Resolves with the answer.
 * @param {string} question
 * @param {string} yes  text of the button that does it
 * @returns {Promise<boolean>}
 */
export const confirmed = (question, yes) =>
  ask(question, yes, (accept, done) => accept.addEventListener("click", done));

/**
 * Ask before what concerns everybody: the button has to be held, or the word typed, so that no habit
 * answers. Resolves with the answer.
 * @param {string} question
 * @param {string} yes  text of the button that does it
 * @param {string} word  to be typed where nothing can be held; capitals and accents do not count
 * @returns {Promise<boolean>}
 */
export const confirmedFirmly = (question, yes, word) =>
  ask(question, yes, (accept, done, dialog) => {
    whenHeld(accept, done);
    const form = make("form", "word");
    const label = makeText("label", "", t("dialog.hold", { word }), form);
    const input = make("input", "", label);
    input.autocomplete = "off";
    input.spellcheck = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (plain(input.value) === plain(word)) done();
      else input.select();
    });
    dialog.append(form);
  });

/**
 * @param {string} question
 * @param {string} yes
 * @param {(accept: HTMLButtonElement, done: () => void, dialog: HTMLDialogElement) => void} prepare
 *   makes whatever it takes to say yes
 * @returns {Promise<boolean>}
 */
function ask(question, yes, prepare) {
  return new Promise((resolve) => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const dialog = make("dialog", "card question", document.body);
    dialog.setAttribute("aria-label", question);
    makeText("p", "", question, dialog);
    const row = make("div", "row", dialog);
    const refuse = makeText("button", "", t("page.cancel"), row);
    const accept = makeText("button", "danger", yes, row);
    let answer = false;
    prepare(accept, () => {
      answer = true;
      dialog.close();
    }, dialog);
    refuse.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus();
      resolve(answer);
    });
    dialog.showModal();
    refuse.focus();
  });
}

/** Call `done` when a button was held, with a pointer or a key. @param {HTMLElement} button @param {() => void} done */
function whenHeld(button, done) {
  let timer = 0;
  const begin = () => {
    if (timer) return;
    button.classList.add("held");
    timer = window.setTimeout(done, HOLD);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    button.classList.remove("held");
  };
  button.addEventListener("pointerdown", begin);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) begin();
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) {
    button.addEventListener(name, stop);
  }
}
