// The report of a conference, as a page; as CSV and PDF from the bridge.

import { get } from "../common/api.js";
import { language, pick, problemText, t } from "../common/i18n.js";
import { whoami } from "../common/login.js";
import { byId, startLanguage, timeText } from "../common/page.js";
import { Refused } from "../common/protocol.js";
import { clockText } from "../common/state.js";
import { make } from "../common/tiles.js";

let zone = "Asia/Ho_Chi_Minh";
const COLUMNS = ["point", "expected", "joined", "left", "present", "drops", "turns", "floor", "up", "down"];
const id = new URLSearchParams(location.search).get("id") ?? "";
/** @type {any} */
let report = null;
/** @type {Record<string, any>} */
let names = {};

await startLanguage(render);
await whoami(byId("login"));
try {
  const answer = await get(`/conferences/${encodeURIComponent(id)}/report`);
  report = answer.report;
  names = answer.names;
  zone = answer.zone;
} catch (error) {
  byId("error").textContent = error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
}
render();

/** @param {Record<string, number>} levels */
function commonest(levels) {
  const known = Object.entries(levels).filter(([level]) => level !== "unknown");
  return known.sort((a, b) => b[1] - a[1])[0]?.[0] ?? "unknown";
}

/** @param {number | null} seconds */
function at(seconds) {
  return seconds === null ? "–" : timeText(seconds, zone);
}

function render() {
  if (!report) return;
  byId("report").hidden = false;
  byId("title").textContent = pick(report.title);
  document.title = pick(report.title);
  for (const kind of ["csv", "pdf"]) {
    const link = /** @type {HTMLAnchorElement} */ (byId(kind));
    link.href = `/api/v1/conferences/${encodeURIComponent(id)}/report?format=${kind}&language=${language()}`;
  }
  const facts = byId("facts");
  facts.replaceChildren();
  const expected = report.points.filter((/** @type {any} */ row) => row.expected);
  const came = expected.filter((/** @type {any} */ row) => row.joined_at !== null);
  for (const [key, value] of [
    ["opened", timeText(report.opened_at, zone, "day")],
    ["started", at(report.started_at)],
    ["ended", at(report.ended_at)],
    ["attendance", `${came.length}/${expected.length}`],
    ["directors", report.directors.join(", ") || "–"],
    ["recording", t(`report.recording_${report.recording}`)],
  ]) {
    make("dt", "", facts).textContent = t(`report.${key}`);
    make("dd", "", facts).textContent = value;
  }
  const table = byId("table");
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table));
  for (const name of COLUMNS) {
    const cell = make("th", "", head);
    cell.setAttribute("scope", "col");
    cell.textContent = t(`report.column_${name}`);
  }
  const body = make("tbody", "", table);
  for (const row of report.points) {
    const line = make("tr", "", body);
    line.dataset.point = row.point;
    const drops = row.interruptions.map((/** @type {any} */ gap) => `${at(gap.at)}–${at(gap.until)}`).join("; ");
    const cells = [
      pick(names[row.point]) || row.point,
      t(row.expected ? "report.yes" : "report.no"),
      at(row.joined_at),
      at(row.left_at),
      clockText(row.present_seconds),
      row.joined_at === null ? t("report.never_came") : drops,
      String(row.turns),
      clockText(row.floor_seconds),
      t(`quality.${commonest(row.up)}`),
      t(`quality.${commonest(row.down)}`),
    ];
    for (const text of cells) make("td", "", line).textContent = text;
  }
}
