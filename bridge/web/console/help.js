// The help: what each key does, and how typed commands are written.

import { byId, elementOf, make, makeText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { KEYS, keyText } from "./keys.js";

/** Make the button work that closes the help. */
export function startHelp() {
  byId("help-close").addEventListener("click", () => elementOf("help", HTMLDialogElement).close());
}

/** Show the help, made anew: what it tells depends on the language and on what the bridge knows. @param {[string, string][]} usage  word and usage of typed commands */
export function openHelp(usage) {
  const keys = byId("keys");
  keys.replaceChildren();
  for (const binding of KEYS) {
    const row = make("div", "", keys);
    makeText("kbd", "", keyText(binding), make("dt", "", row));
    makeText("dd", "", t(`shortcut.${binding.action}`), row);
  }
  const list = byId("usage");
  list.replaceChildren();
  byId("words-title").hidden = usage.length === 0; // who only watches types nothing
  for (const [word, text] of usage) {
    const row = make("div", "", list);
    makeText("code", "", text, make("dt", "", row));
    makeText("dd", "", t(`word.${word}`), row);
  }
  elementOf("help", HTMLDialogElement).showModal();
}
