// The monthly report of lines, as a page; as CSV and PDF from the bridge.

import { get } from "../common/api.js";
import { language, pick, problemText, t } from "../common/i18n.js";
import { whoami } from "../common/login.js";
import { byId, percent, startLanguage, timeText } from "../common/page.js";
import { Refused } from "../common/protocol.js";
import { clockText } from "../common/state.js";
import { make } from "../common/tiles.js";

const COLUMNS = ["point", "availability", "outage", "maintenance", "loss_up", "loss_down", "conference", "good_up", "good_down", "worst"];
const LEVELS = ["good", "fair", "poor", "bad", "unknown"];
const NOTEWORTHY = 0.005;
/** @type {any} */
let report = null;

await startLanguage(render);
await whoami(byId("login"));
const month = /** @type {HTMLInputElement} */ (byId("month"));
byId("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?month=${encodeURIComponent(month.value)}`);
  load();
});
await load();

async function load() {
  const wanted = new URLSearchParams(location.search).get("month") ?? "";
  byId("error").textContent = "";
  byId("progress").textContent = t("lines.loading");
  try {
    report = await get(`/reports/lines${wanted ? `?month=${encodeURIComponent(wanted)}` : ""}`);
    month.value = report.month;
  } catch (error) {
    byId("error").textContent = error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
  }
  byId("progress").textContent = "";
  render();
}

/** @param {string} tag @param {string} className @param {string} text */
function word(tag, className, text) {
  const element = make(tag, className);
  element.textContent = text;
  return element;
}

/** @param {string} text */
function figure(text) {
  return word("td", "figure", text);
}

/** A share of the time in conferences, with all levels as a bar. @param {number | null} share @param {Record<string, number>} levels */
function goodCell(share, levels) {
  const cell = word("td", "figure", percent(share, 1));
  const sum = LEVELS.reduce((total, level) => total + (levels[level] ?? 0), 0);
  if (sum > 0) {
    const bar = make("div", "levels");
    const words = [];
    for (const level of LEVELS) {
      const seconds = levels[level] ?? 0;
      if (!seconds) continue;
      const part = make("span", level);
      part.style.width = `${(100 * seconds) / sum}%`;
      bar.append(part);
      words.push(`${t(`quality.${level}`)} ${clockText(seconds)}`);
    }
    bar.setAttribute("role", "img");
    bar.setAttribute("aria-label", words.join(", "));
    bar.title = words.join(", ");
    cell.append(bar);
  }
  return cell;
}

/** @param {any} hour */
function hourText(hour) {
  const parts = [timeText(hour.at, report.zone, "day")];
  if (hour.outage) parts.push(t("lines.hour_outage", { span: clockText(hour.outage) }));
  if (hour.loss_up >= NOTEWORTHY) parts.push(t("lines.hour_up", { loss: percent(hour.loss_up, 1) }));
  if (hour.loss_down >= NOTEWORTHY) parts.push(t("lines.hour_down", { loss: percent(hour.loss_down, 1) }));
  return parts.join(" · ");
}

/** @param {any} row */
function lineRow(row) {
  const line = make("tr", "");
  const name = /** @type {HTMLTableCellElement} */ (word("th", "", pick(row.name)));
  name.scope = "row";
  const worst = make("td", "");
  if (row.worst.length) {
    const list = make("ul", "hours");
    for (const hour of row.worst) list.append(word("li", "", hourText(hour)));
    worst.append(list);
  }
  line.append(
    name, figure(percent(row.availability, 3)), figure(clockText(row.outage)), figure(clockText(row.maintenance)),
    figure(percent(row.loss_up, 2)), figure(percent(row.loss_down, 2)), figure(clockText(row.conference)),
    goodCell(row.good_up, row.up), goodCell(row.good_down, row.down), worst,
  );
  return line;
}

function render() {
  byId("report").hidden = false;
  document.title = t("lines.title");
  if (!report) return;
  byId("title").textContent = `${t("lines.title")} ${report.month.slice(5)}/${report.month.slice(0, 4)}`;
  for (const kind of ["csv", "pdf"]) {
    const link = /** @type {HTMLAnchorElement} */ (byId(kind));
    link.href = `/api/v1/reports/lines?month=${report.month}&format=${kind}&language=${language()}`;
  }
  const facts = byId("facts");
  facts.replaceChildren();
  for (const [key, at] of [["from", report.start], ["until", report.end]]) {
    facts.append(word("dt", "", t(`lines.${key}`)), word("dd", "", timeText(at, report.zone, "day")));
  }
  const table = byId("table");
  const head = make("tr", "");
  for (const name of COLUMNS) {
    const cell = /** @type {HTMLTableCellElement} */ (word("th", "", t(`lines.column_${name}`)));
    cell.scope = "col";
    head.append(cell);
  }
  const thead = make("thead", "");
  thead.append(head);
  const body = make("tbody", "");
  body.append(...report.rows.map(lineRow));
  table.replaceChildren(thead, body);
  if (report.rows.every((/** @type {any} */ row) => row.availability === null)) {
    byId("progress").textContent = t("lines.none");
  }
}
