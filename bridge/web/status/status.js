// The technician's page: the points that one looks after, what is wrong at each and what to do, and
// a self-test. This module puts its parts together; each has a module of its own.

/** @import { PointStatus } from "../types/protocol.js" */
/** @import { Box } from "./point.js" */
import { get } from "../common/api.js";
import { workerTexts } from "../common/audience_workers.js";
import { byId, make, makeText, refill, setText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { logout, whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";
import { drawCharts } from "./charts.js";
import { showPoint } from "./point.js";
import { startSelfTest } from "./selftest.js";
import { buildTools, showTools } from "./tools.js";
import { showTraffic } from "./traffic_box.js";

const REFRESH = 3000; // ms
const CHARTS_EVERY = 60; // seconds
const FEW = 3; // points that are shown with charts and tools

/** @type {Map<string, Box>} */
const boxes = new Map();

await startLanguage(() => {
  byId("points").replaceChildren();
  boxes.clear();
  refresh();
});
await whoami(byId("login"));
byId("logout").addEventListener("click", logout);
byId("test").hidden = false;

async function refresh() {
  try {
    const list = await get("/points");
    const few = list.length <= FEW;
    const points = few ? await Promise.all(list.map(({ id }) => get("/points/{id}", { id }))) : list;
    setText(byId("error"), points.length ? "" : t("status.no_points"));
    for (const point of points) show(point, few);
    const contact = points[0]?.contact;
    setText(byId("contact"), contact ? t("status.call", { contact }) : "");
    await showServing();
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
}

/** Workers and machines for viewers alone, where there are any. */
async function showServing() {
  const { own, workers } = await get("/audience");
  byId("serving").hidden = !own;
  if (!own) return;
  const lines = workers.map((worker) => {
    const { name, state, viewers, next } = workerTexts(worker);
    return `${name}: ${state}; ${viewers}. ${next}`.trim();
  });
  const list = byId("serving-workers");
  refill(list, lines, () => {
    for (const line of lines) makeText("li", "", line, list);
  });
}

/** @param {PointStatus} point @param {boolean} charts */
function show(point, charts) {
  const box = boxOf(point);
  showPoint(point, box, (work) => attempt(box, work));
  if (charts) showTraffic(point.id, box.traffic);
  showTools(point, box);
  if (charts && point.now - box.charted > CHARTS_EVERY) {
    box.charted = point.now;
    drawCharts(point, box.charts);
  }
}

/** @param {PointStatus} point @returns {Box} */
function boxOf(point) {
  const known = boxes.get(point.id);
  if (known) return known;
  const root = make("section", "point", byId("points"));
  root.dataset.point = point.id;
  makeText("h2", "", pick(point.name), root);
  const live = make("div", "live", root);
  const traffic = make("details", "traffic", root);
  const tools = make("div", "tools", root);
  const said = make("p", "said", root);
  said.setAttribute("role", "status");
  const charts = make("div", "charts", root);
  const box = { live, traffic, tools, charts, said, charted: 0 };
  boxes.set(point.id, box);
  buildTools(point.id, box, (work) => attempt(box, work));
  return box;
}

/** Do something for a point, and say what came of it. @param {Box} box @param {() => Promise<string | void>} work */
async function attempt(box, work) {
  try {
    setText(box.said, (await work()) ?? "");
  } catch (error) {
    setText(box.said, errorText(error));
  }
  await refresh();
}

startSelfTest();
await refresh();
setInterval(refresh, REFRESH);
