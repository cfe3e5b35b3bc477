// The go / no-go board: what a readiness sweep found at every point, and what to do.

/** @import { Board, PointView } from "../types/protocol.js" */
import { get, post } from "../common/api.js";
import { byId, elementOf, make, makeHeader, makeText, setText } from "../common/dom.js";
import { clockText, timeText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";

const REFRESH = 3000; // ms
const WHILE_RUNNING = 700;

/** @type {Record<string, string>} */
const ICONS = { pass: "✔", warn: "!", fail: "✖", unknown: "?" };

/** @type {Board | null} */
let board = null;
let shown = "";

await startLanguage(() => {
  shown = "";
  render();
});
const me = await whoami(byId("login"));
byId("ready").hidden = false;
elementOf("run", HTMLButtonElement).disabled = !me.rights.includes("direct");

const template = elementOf("template", HTMLSelectElement);
const wanted = new URLSearchParams(location.search).get("template") ?? "";
template.add(new Option(t("ready.all_points"), ""));
for (const { id, template: { title } } of await get("/templates").catch(() => [])) {
  template.add(new Option(title[language()] ?? title.vi, id));
}
template.value = [...template.options].some((option) => option.value === wanted) ? wanted : "";

byId("start").addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(byId("error"), "");
  try {
    board = await post("/readiness", {}, { template: template.value });
    render();
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
});

async function refresh() {
  try {
    board = await get("/readiness");
    setText(byId("error"), "");
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
  render();
  setTimeout(refresh, board?.running ? WHILE_RUNNING : REFRESH);
}

function render() {
  if (!board) return;
  const checked = board.at > 0;
  const verdict = byId("verdict");
  verdict.dataset.level = board.running || !checked ? "" : board.level;
  const progress = elementOf("progress", HTMLProgressElement);
  progress.hidden = !board.running;
  progress.value = board.progress;
  progress.setAttribute("aria-label", t("ready.title"));
  if (board.running) setText(verdict, t("ready.running", { progress: String(Math.round(board.progress * 100)) }));
  else setText(verdict, checked ? t(`ready.verdict_${board.level}`) : t("ready.none"));
  const age = checked ? t("ready.age", { age: clockText(Math.max(0, Date.now() / 1000 - board.at)) }) : "";
  const title = board.title && checked ? `${pick(board.title)}${board.start ? ` ${timeText(board.start, me.zone, "day")}` : ""}. ` : "";
  setText(byId("age"), title + age);
  for (const kind of ["pdf", "csv"]) {
    const link = elementOf(kind, HTMLAnchorElement);
    link.hidden = !checked;
    link.href = `/api/v1/readiness/report?format=${kind}&language=${language()}`;
  }
  const key = `${board.at} ${language()}`;
  if (key === shown) return; // details that somebody opened stay open
  shown = key;
  byId("board").replaceChildren(...board.points.map(pointBox));
}

/** @param {PointView} point */
function pointBox(point) {
  const box = make("section", "point");
  box.dataset.level = point.level;
  box.dataset.point = point.point;
  makeText("h2", "", `${ICONS[point.level]} ${pick(point.name)}`, box);
  if (point.still && board) {
    const picture = make("img", "still", box);
    picture.src = `/api/v1/readiness/${encodeURIComponent(point.point)}/still?at=${board.at}`;
    picture.alt = t("ready.still", { name: pick(point.name) });
  }
  const wrong = point.checks.filter((check) => check.level !== "pass");
  if (!wrong.length) makeText("p", "", t("ready.all_passed"), box);
  const list = make("ul", "", box);
  if (!wrong.length) list.remove();
  for (const check of wrong) {
    const row = make("li", "", list);
    row.dataset.check = check.name;
    makeText("strong", "", `${ICONS[check.level]} ${pick(check.title)}: ${t(`ready.level.${check.level}`)}. `, row);
    row.append(pick(check.reason));
    if (check.step) makeText("span", "step", `→ ${pick(check.step)}`, row);
  }
  const details = make("details", "", box);
  makeText("summary", "", t("ready.details"), details);
  const table = make("table", "", details);
  for (const check of point.checks) {
    const line = make("tr", "", table);
    makeHeader(`${ICONS[check.level]} ${pick(check.title)}`, "row", line);
    makeText("td", "", pick(check.reason), line);
  }
  if (point.capacity.length) {
    makeText("p", "", t("ready.capacity_steps"), details);
    const steps = make("ul", "", details);
    for (const step of point.capacity) {
      makeText("li", "", t("ready.step_line", {
        down: (step.down / 1000).toFixed(1), up: (step.up / 1000).toFixed(1),
        down_loss: (100 * step.down_loss).toFixed(1), up_loss: (100 * step.up_loss).toFixed(1),
        down_delay: step.down_delay.toFixed(0), up_delay: step.up_delay.toFixed(0),
      }), steps);
    }
  }
  return box;
}

await refresh();
