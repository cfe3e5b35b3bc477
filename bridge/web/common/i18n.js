// Sentences for people in the present language, from the catalogues that the server uses too.
// Pure but for the present language: language.js loads catalogues and fills pages.

/** @import { Problem, Sentence } from "../types/protocol.js" */
/** @typedef {"vi" | "en"} Language */

/** @type {Record<string, string>} */
let catalogue = {};
/** @type {Language} */
let current = "vi";

/** Speak this language from now on. @param {Language} wanted @param {Record<string, string>} texts */
export function speak(wanted, texts) {
  current = wanted;
  catalogue = texts;
}

/** @returns {Language} */
export const language = () => current;

/**
 * The sentence of a key with its places filled; the key itself where it is missing.
 * @param {string} key
 * @param {Record<string, string>} [values]
 */
export function t(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Whether there is a sentence of a key. @param {string} key */
export const has = (key) => key in catalogue;

/**
 * Pick the present language out of a sentence of the server.
 * @param {Sentence | null | undefined} sentence
 */
export const pick = (sentence) => (sentence ? sentence[current] : "");

/**
 * The sentence of a problem document (RFC 9457), with what is particular to the case.
 * @param {Problem | null | undefined} problem
 */
export function problemText(problem) {
  const title = (current === "vi" ? problem?.title_vi : problem?.title) ?? "";
  return problem?.detail ? `${title} (${problem.detail})` : title;
}
