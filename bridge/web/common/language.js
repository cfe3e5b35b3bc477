// The page's language: loads its catalogue, fills the page's fixed texts, and serves the button.

import { byId } from "./dom.js";
import { language, speak, t } from "./i18n.js";

/** @import { Language } from "./i18n.js" */

const STORED = "language"; // in the browser's local storage

/**
 * Load the language chosen before, Vietnamese at first, and let the button change it.
 * @param {() => void} changed  called after a change
 */
export async function startLanguage(changed) {
  byId("language").addEventListener("click", async () => {
    await load(language() === "vi" ? "en" : "vi");
    changed();
  });
  await load(localStorage.getItem(STORED) === "en" ? "en" : "vi");
}

/** @param {Language} wanted */
async function load(wanted) {
  const response = await fetch(`/web/common/${wanted}.json`);
  speak(wanted, await response.json());
  localStorage.setItem(STORED, wanted);
  document.documentElement.lang = wanted;
  fillTexts();
}

/** Fill every element that carries data-text. */
function fillTexts() {
  for (const element of document.querySelectorAll("[data-text]")) {
    if (element instanceof HTMLElement) element.textContent = t(element.dataset.text ?? "");
  }
}
