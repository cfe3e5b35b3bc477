// Sentences for people, from the catalogues that the server uses too.

/** @typedef {"vi" | "en"} Language */

/** @type {Record<string, string>} */
let catalogue = {};
/** @type {Language} */
let current = "vi";

/** @returns {Language} the language chosen before, Vietnamese at first */
export function savedLanguage() {
  return localStorage.getItem("language") === "en" ? "en" : "vi";
}

/** @returns {Language} */
export const language = () => current;

/**
 * Load a catalogue and remember the choice.
 * @param {Language} wanted
 */
export async function loadLanguage(wanted) {
  const response = await fetch(`/web/common/${wanted}.json`);
  catalogue = await response.json();
  current = wanted;
  localStorage.setItem("language", wanted);
  document.documentElement.lang = wanted;
}

/**
 * The sentence of a key with its places filled; the key itself where it is missing.
 * @param {string} key
 * @param {Record<string, string>} [values]
 */
export function t(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/**
 * Pick the present language out of a sentence of the server.
 * @param {{vi: string, en: string} | null | undefined} sentence
 */
export const pick = (sentence) => (sentence ? sentence[current] : "");

/**
 * The sentence of a problem document (RFC 9457), with what is particular to the case.
 * @param {{title?: string, title_vi?: string, detail?: string} | null | undefined} problem
 */
export function problemText(problem) {
  const title = (current === "vi" ? problem?.title_vi : problem?.title) ?? "";
  return problem?.detail ? `${title} (${problem.detail})` : title;
}

/** Fill every element that carries data-text. */
export function fillTexts() {
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  }
}
