// The help: what each key does, and how typed commands are written.

import { byId, elementOf, make, makeText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { KEYS, keyText } from "./keys.js";

/** Make the button work that closes the help. */
export function startHelp() {
  byId("help-close").addEventListener("click", () => elementOf("help", HTMLDialogElement).close());
}

/** Fill the help, in the present language. @param {[string, string][]} usage  word and usage of typed commands */
export function buildHelp(usage) {
  const keys = byId("keys");
  keys.replaceChildren();
  for (const binding of KEYS) {
    const row = make("div", "", keys);
    makeText("kbd", "", keyText(binding), make("dt", "", row));
    makeText("dd", "", t(`shortcut.${binding.action}`), row);
  }
  const list = byId("usage");
  const words = byId("words");
  list.replaceChildren();
  words.replaceChildren();
  for (const [word, text] of usage) {
    makeText("li", "", text, list);
    make("option", "", words).value = word;
  }
}
