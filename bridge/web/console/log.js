// The list of what has happened in the conference, newest first, with a filter. New lines are added
// to those that stand there, so that a screen reader reads the news and not the whole list.

/** @import { Recorded } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { language, t } from "../common/i18n.js";
import { lineText } from "./log_text.js";

const SHOWN = 400; // lines in the page at once; the report has all

let key = ""; // what the list shows, but for new lines
let last = 0; // number of the newest line in it

/** Make the filter work. @param {() => void} changed */
export function startLog(changed) {
  byId("filter").addEventListener("input", changed);
}

/** Texts that change with the language only. */
export function buildLog() {
  byId("filter").setAttribute("placeholder", t("console.filter"));
  byId("filter").setAttribute("aria-label", t("console.filter"));
}

/** @param {PageState} state */
export function renderLog(state) {
  const filter = elementOf("filter", HTMLInputElement).value.trim().toLowerCase();
  const wanted = `${state.logOf} ${filter} ${language()} ${state.points.length}`;
  const newest = state.log.at(-1)?.seq ?? 0;
  const list = byId("log");
  if (wanted !== key || newest < last) {
    key = wanted;
    last = 0;
    list.replaceChildren();
  }
  if (newest === last) return;
  const fresh = state.log.filter((line) => line.seq > last).map((line) => rowOf(line, state, filter));
  last = newest;
  list.prepend(...fresh.flatMap((row) => row ?? []).reverse().slice(0, SHOWN));
  while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
}

/** @param {Recorded} line @param {PageState} state @param {string} filter */
function rowOf(line, state, filter) {
  const text = lineText(line, state);
  if (filter && !text.toLowerCase().includes(filter)) return null;
  const row = make("li");
  row.dataset.seq = String(line.seq);
  row.dataset.kind = line.event.type;
  makeText("time", "", timeText(line.at, state.zone), row);
  row.append(text);
  return row;
}
