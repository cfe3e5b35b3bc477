// The list of what has happened in the conference, newest first, with a filter.

/** @import { PageState } from "../common/state.js" */
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { language, t } from "../common/i18n.js";
import { lineText } from "./log_text.js";

const SHOWN = 400; // lines in the page at once; the report has all

let key = ""; // what the list shows now

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
  const last = state.log.at(-1)?.seq ?? 0;
  const wanted = `${state.logOf} ${last} ${filter} ${language()}`;
  if (wanted === key) return;
  key = wanted;
  const rows = [];
  for (const line of [...state.log].reverse()) {
    const text = lineText(line, state);
    if (filter && !text.toLowerCase().includes(filter)) continue;
    const row = make("li");
    row.dataset.seq = String(line.seq);
    row.dataset.kind = line.event.type;
    makeText("time", "", timeText(line.at, state.zone), row);
    row.append(text);
    rows.push(row);
    if (rows.length >= SHOWN) break;
  }
  byId("log").replaceChildren(...rows);
}
