// What every page has: the language button, the button that browsers ask for before sound, a
// clock, and a question that asks for confirmation.

import { fillTexts, language, loadLanguage, savedLanguage, t } from "./i18n.js";
import { make } from "./tiles.js";

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

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * UTC seconds as text on the bridge's wall clock.
 * @param {number} at
 * @param {string} zone
 * @param {"time" | "short" | "day" | "date"} [style]
 */
export function timeText(at, zone, style = "time") {
  const key = `${zone} ${style} ${language()}`;
  let format = formats.get(key);
  if (!format) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false };
    if (style === "time") options.second = "2-digit";
    if (style === "date") Object.assign(options, { day: "2-digit", month: "2-digit", year: "numeric" });
    if (style === "day") Object.assign(options, { weekday: "short", day: "2-digit", month: "2-digit" });
    format = new Intl.DateTimeFormat(language() === "vi" ? "vi-VN" : "en-GB", options);
    formats.set(key, format);
  }
  return format.format(new Date(at * 1000));
}

/**
 * Ask before something that cannot be taken back. Resolves with the answer.
 * @param {string} question
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    const dialog = /** @type {HTMLDialogElement} */ (make("dialog", "card", document.body));
    dialog.setAttribute("aria-label", question);
    make("p", "", dialog).textContent = question;
    const row = make("div", "row", dialog);
    const accept = make("button", "danger", row);
    accept.textContent = yes;
    const refuse = make("button", "", row);
    refuse.textContent = t("page.cancel");
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

/** A share (0–1) as people write it; a dash where it is not known. @param {number | null} share @param {number} digits */
export function percent(share, digits) {
  if (share === null) return "–";
  return `${(100 * share).toLocaleString(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0%`;
}
