// The monthly report of lines, as a page; as CSV and PDF from the bridge.

/** @import { Hour, LineRow, LinesReport } from "../types/protocol.js" */
import { get } from "../common/api.js";
import { byId, elementOf, make, makeHeader, makeText } from "../common/dom.js";
import { clockText, percent, picturesText, timeText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";

const COLUMNS = ["point", "availability", "outage", "maintenance", "loss_up", "loss_down", "conference", "good_up", "good_down", "pictures", "worst"];
const LEVELS = ["good", "fair", "poor", "bad", "unknown"];
const NOTEWORTHY = 0.005; // share lost that is named with a bad hour
/** @type {LinesReport | null} */
let report = null;

await startLanguage(render);
await whoami(byId("login"));
const month = elementOf("month", HTMLInputElement);
byId("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?month=${encodeURIComponent(month.value)}`);
  load();
});
await load();

async function load() {
  const wanted = new URLSearchParams(location.search).get("month") || undefined;
  byId("error").textContent = "";
  byId("progress").textContent = t("lines.loading");
  try {
    report = await get("/reports/lines", { month: wanted });
    month.value = report.month;
  } catch (error) {
    byId("error").textContent = errorText(error);
  }
  byId("progress").textContent = "";
  render();
}

/** @param {string} text */
function figure(text) {
  return makeText("td", "figure", text);
}

/** A share of the time in conferences, with all levels as a bar. @param {number | null} share @param {Record<string, number>} levels */
function goodCell(share, levels) {
  const cell = makeText("td", "figure", percent(share, 1));
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

/** @param {Hour} hour @param {string} zone */
function hourText(hour, zone) {
  const parts = [timeText(hour.at, zone, "day")];
  if (hour.outage) parts.push(t("lines.hour_outage", { span: clockText(hour.outage) }));
  if (hour.loss_up >= NOTEWORTHY) parts.push(t("lines.hour_up", { loss: percent(hour.loss_up, 1) }));
  if (hour.loss_down >= NOTEWORTHY) parts.push(t("lines.hour_down", { loss: percent(hour.loss_down, 1) }));
  return parts.join(" · ");
}

/** @param {LineRow} row @param {string} zone */
function lineRow(row, zone) {
  const line = make("tr", "");
  const name = makeHeader(pick(row.name), "row");
  const worst = make("td", "");
  if (row.worst.length) {
    const list = make("ul", "hours");
    for (const hour of row.worst) makeText("li", "", hourText(hour, zone), list);
    worst.append(list);
  }
  line.append(
    name, figure(percent(row.availability, 3)), figure(clockText(row.outage)), figure(clockText(row.maintenance)),
    figure(percent(row.loss_up, 2)), figure(percent(row.loss_down, 2)), figure(clockText(row.conference)),
    goodCell(row.good_up, row.up), goodCell(row.good_down, row.down),
    makeText("td", "", picturesText(row.pictures)), worst,
  );
  return line;
}

function render() {
  byId("report").hidden = false;
  document.title = t("lines.title");
  if (!report) return;
  byId("title").textContent = `${t("lines.title")} ${report.month.slice(5)}/${report.month.slice(0, 4)}`;
  for (const kind of ["csv", "pdf"]) {
    const link = elementOf(kind, HTMLAnchorElement);
    link.href = `/api/v1/reports/lines?month=${report.month}&format=${kind}&language=${language()}`;
  }
  const facts = byId("facts");
  facts.replaceChildren();
  const { zone } = report;
  for (const [key, at] of /** @type {[string, number][]} */ ([["from", report.start], ["until", report.end]])) {
    makeText("dt", "", t(`lines.${key}`), facts);
    makeText("dd", "", timeText(at, zone, "day"), facts);
  }
  const table = byId("table");
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table));
  for (const name of COLUMNS) makeHeader(t(`lines.column_${name}`), "col", head);
  make("tbody", "", table).append(...report.rows.map((row) => lineRow(row, zone)));
  if (report.rows.every((row) => row.availability === null)) {
    byId("progress").textContent = t("lines.none");
  }
}
