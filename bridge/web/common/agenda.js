// The agenda of a conference: which item runs and for how long, and the agenda as lines of text that
// people write. Pure but for the catalogue.

/** @import { AgendaEntry, ConferenceView, Item } from "../types/protocol.js" */
import { clockText } from "./format.js";
import { t } from "./i18n.js";

/** The item that is dealt with. @param {ConferenceView | null} conference @returns {Item | null} */
export function runningItem(conference) {
  const number = conference?.item?.number;
  return conference?.agenda.find((item) => item.number === number) ?? null;
}

/**
 * The clock of the running item: what is left of it, by how much it is over, or used where it has no
 * end; null where none runs.
 * @param {ConferenceView | null} conference
 * @param {number} now  UTC seconds
 */
export function itemClock(conference, now) {
  const item = runningItem(conference);
  if (!conference?.item || !item) return null;
  const used = Math.max(0, now - conference.item.since);
  if (item.minutes === null) return { text: clockText(used), over: false };
  const left = item.minutes * 60 - used;
  if (left > 0) return { text: t("agenda.left", { left: clockText(left) }), over: false };
  return { text: t("agenda.over", { over: clockText(-left) }), over: true };
}

/**
 * An item as a line: "#2 15 @khoan-du Title". Where a title begins with a number that is no time, a
 * hyphen stands for the time that it has not.
 * @param {Item} item
 */
function lineOf({ number, title, point, minutes }) {
  const time = minutes ?? (!point && /^(\d{1,3}|-)\s/.test(title) ? "-" : null);
  return [number ? `#${number}` : null, time, point && `@${point}`, title].filter((word) => word !== null && word !== "").join(" ");
}

/** @param {readonly Item[]} agenda  an item that is not numbered yet has the number 0 */
export const textOf = (agenda) => agenda.map(lineOf).join("\n");

const LINE = /^(?:#(\d{1,9})\s+)?(?:(\d{1,3}|-)\s+)?(?:@([a-z0-9-]+)\s+)?(\S.*)$/;

/**
 * Items as somebody wrote them, a line each; empty lines are left out. An item keeps its number
 * while its line keeps the #.
 * @param {string} text
 * @returns {AgendaEntry[]}
 */
export function entriesOf(text) {
  const entries = [];
  for (const line of text.split("\n")) {
    const found = LINE.exec(line.trim());
    if (!found) continue;
    const [, number, minutes, point, title] = found;
    entries.push({ number: Number(number ?? 0), title, point: point ?? null, minutes: minutes && minutes !== "-" ? Number(minutes) : null });
  }
  return entries;
}
