// What a typed line may become: words of commands, then points. Pure but for the catalogue.

/** @import { PageState } from "../common/state.js" */
import { plain } from "../common/format.js";
import { pick, t } from "../common/i18n.js";

const MOST_POINTS = 12; // suggestions of points at once

/**
 * @typedef {object} Suggestion
 * @property {string} text  the line, if it is taken
 * @property {string} label  what stands in the list
 * @property {string} hint  what it means
 */

/**
 * @param {string} line  as typed so far
 * @param {PageState} state
 * @returns {Suggestion[]}
 */
export function suggestions(line, state) {
  const words = line.trimStart().split(/\s+/);
  const [verb] = words;
  if (words.length < 2) {
    const wanted = plain(verb);
    return state.usage
      .filter(([word]) => word.startsWith(wanted) || plain(t(`word.${word}`)).includes(wanted))
      .map(([word, usage]) => ({ text: `${word} `, label: usage, hint: t(`word.${word}`) }));
  }
  const usage = state.usage.find(([word]) => word === verb.toLowerCase())?.[1] ?? "";
  if (!usage.includes("POINT")) return [];
  const last = words[words.length - 1];
  const sign = last.startsWith("@") ? "@" : "";
  if (usage.includes("@POINT") && !sign) return [];
  const wanted = plain(last.slice(sign.length));
  const before = line.slice(0, line.length - last.length);
  return state.points
    .filter(({ id, name }, index) => id.startsWith(wanted) || plain(pick(name)).includes(wanted) || String(index + 1) === wanted)
    .slice(0, MOST_POINTS)
    .map(({ id, name }) => ({ text: `${before}${sign}${id} `, label: `${sign}${id}`, hint: pick(name) }));
}
