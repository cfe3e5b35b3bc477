// The go / no-go board: what a readiness sweep found at every point, and what to do.

import { get, post } from "../common/api.js";
import { language, pick, problemText, t } from "../common/i18n.js";
import { whoami } from "../common/login.js";
import { byId, startLanguage, timeText } from "../common/page.js";
import { Refused } from "../common/protocol.js";
import { clockText } from "../common/state.js";
import { make, setText } from "../common/tiles.js";

const REFRESH = 3000; // ms
const WHILE_RUNNING = 700;
const ZONE = "Asia/Ho_Chi_Minh";

/** @type {Record<string, string>} */
const ICONS = { pass: "✔", warn: "!", fail: "✖", unknown: "?" };

/** @type {any} */
let board = null;
let shown = "";

await startLanguage(() => {
  shown = "";
  render();
});
const me = await whoami(byId("login"));
byId("ready").hidden = false;
/** @type {HTMLButtonElement} */ (byId("run")).disabled = !me.rights.includes("direct");

const template = /** @type {HTMLSelectElement} */ (byId("template"));
const wanted = new URLSearchParams(location.search).get("template") ?? "";
for (const item of [{ id: "", title: null }, ...(await get("/templates").catch(() => []))]) {
  const option = /** @type {HTMLOptionElement} */ (make("option", "", template));
  option.value = item.id;
  option.textContent = item.title ? pick(item.title) : t("ready.all_points");
}
template.value = [...template.options].some((option) => option.value === wanted) ? wanted : "";

byId("start").addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(byId("error"), "");
  try {
    board = await post("/readiness", { template: template.value });
    render();
  } catch (error) {
    setText(byId("error"), error instanceof Refused ? problemText(error.problem) : t("page.no_answer"));
  }
});

async function refresh() {
  try {
    board = await get("/readiness");
    setText(byId("error"), "");
  } catch (error) {
    setText(byId("error"), error instanceof Refused ? problemText(error.problem) : t("page.no_answer"));
  }
  render();
  setTimeout(refresh, board?.running ? WHILE_RUNNING : REFRESH);
}

function render() {
  if (!board) return;
  const checked = board.at > 0;
  const verdict = byId("verdict");
  verdict.dataset.level = board.running || !checked ? "" : board.level;
  const progress = /** @type {HTMLProgressElement} */ (byId("progress"));
  progress.hidden = !board.running;
  progress.value = board.progress;
  progress.setAttribute("aria-label", t("ready.title"));
  if (board.running) setText(verdict, t("ready.running", { progress: String(Math.round(board.progress * 100)) }));
  else setText(verdict, checked ? t(`ready.verdict_${board.level}`) : t("ready.none"));
  const age = checked ? t("ready.age", { age: clockText(Math.max(0, Date.now() / 1000 - board.at)) }) : "";
  const title = board.title && checked ? `${pick(board.title)}${board.start ? ` ${timeText(board.start, ZONE, "day")}` : ""}. ` : "";
  setText(byId("age"), title + age);
  for (const kind of ["pdf", "csv"]) {
    const link = /** @type {HTMLAnchorElement} */ (byId(kind));
    link.hidden = !checked;
    link.href = `/api/v1/readiness/report?format=${kind}&language=${language()}`;
  }
  const key = `${board.at} ${language()}`;
  if (key === shown) return; // details that somebody opened stay open
  shown = key;
  byId("board").replaceChildren(...board.points.map(pointBox));
}

/** @param {any} point */
function pointBox(point) {
  const box = make("section", "point");
  box.dataset.level = point.level;
  box.dataset.point = point.point;
  make("h2", "", box).textContent = `${ICONS[point.level]} ${pick(point.name)}`;
  const wrong = point.checks.filter((/** @type {any} */ check) => check.level !== "pass");
  if (!wrong.length) make("p", "", box).textContent = t("ready.all_passed");
  const list = make("ul", "", box);
  if (!wrong.length) list.remove();
  for (const check of wrong) {
    const row = make("li", "", list);
    row.dataset.check = check.name;
    make("strong", "", row).textContent = `${ICONS[check.level]} ${pick(check.title)}: ${t(`ready.level.${check.level}`)}. `;
    row.append(pick(check.reason));
    if (check.step) make("span", "step", row).textContent = `→ ${pick(check.step)}`;
  }
  const details = make("details", "", box);
  make("summary", "", details).textContent = t("ready.details");
  const table = make("table", "", details);
  for (const check of point.checks) {
    const line = make("tr", "", table);
    const head = make("th", "", line);
    head.setAttribute("scope", "row");
    head.textContent = `${ICONS[check.level]} ${pick(check.title)}`;
    make("td", "", line).textContent = pick(check.reason);
  }
  if (point.capacity.length) {
    make("p", "", details).textContent = t("ready.capacity_steps");
    const steps = make("ul", "", details);
    for (const step of point.capacity) {
      make("li", "", steps).textContent = t("ready.step_line", {
        down: (step.down / 1000).toFixed(1), up: (step.up / 1000).toFixed(1),
        down_loss: (100 * step.down_loss).toFixed(1), up_loss: (100 * step.up_loss).toFixed(1),
        down_delay: step.down_delay.toFixed(0), up_delay: step.up_delay.toFixed(0),
      });
    }
  }
  return box;
}

await refresh();
export { me };
