// What every page has: the language button, and the button that browsers ask for before sound.

import { fillTexts, language, loadLanguage, savedLanguage } from "./i18n.js";

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Load the language chosen before and let the button change it.
 * @param {() => void} render  called after a change
 */
export async function startLanguage(render) {
  byId("language").addEventListener("click", async () => {
    await loadLanguage(language() === "vi" ? "en" : "vi");
    fillTexts();
    render();
  });
  await loadLanguage(savedLanguage());
  fillTexts();
}

/** @param {import("./tiles.js").Sounds} sounds */
export function startSound(sounds) {
  sounds.blocked = () => (byId("sound").hidden = false);
  byId("sound").addEventListener("click", async () => {
    await sounds.unblock();
    byId("sound").hidden = true;
  });
}
