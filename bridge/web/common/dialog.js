// A question that must be answered before something that cannot be taken back.

import { make, makeText } from "./dom.js";
import { t } from "./i18n.js";

/**
 * Ask, with a button that does it and one that does not. Resolves with the answer.
 * @param {string} question
 * @param {string} yes  text of the button that does it
 * @returns {Promise<boolean>}
 */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    const dialog = make("dialog", "card", document.body);
    dialog.setAttribute("aria-label", question);
    makeText("p", "", question, dialog);
    const row = make("div", "row", dialog);
    const accept = makeText("button", "danger", yes, row);
    const refuse = makeText("button", "", t("page.cancel"), row);
    let answer = false;
    accept.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    refuse.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
    accept.focus();
  });
}
