// The technician's page: the points one looks after, three lamps each with what to do, charts of
// the line, faults, maintenance, and a self-test.

import { call, get, post } from "../common/api.js";
import { draw } from "../common/chart.js";
import { pick, problemText, t } from "../common/i18n.js";
import { logout, whoami } from "../common/login.js";
import { byId, startLanguage, timeText } from "../common/page.js";
import { Refused } from "../common/protocol.js";
import { clockText } from "../common/state.js";
import { make, setText } from "../common/tiles.js";
import { startSelfTest } from "./selftest.js";

const REFRESH = 3000; // ms
const CHARTS_EVERY = 60; // seconds
const FEW = 3; // points that are shown with charts and tools
const HOUR = 3600;
const DAY = 86400;
const ZONE = "Asia/Ho_Chi_Minh";
const TO_ZONE = 7 * HOUR; // of the demo's zone, for "yesterday"
const MAINTENANCE = 240; // minutes

/** @type {Record<string, string>} */
const ICONS = { good: "✔", warn: "!", bad: "✖", unknown: "?" };
const FAULTS = ["picture", "sound", "lost"];

/**
 * @typedef {object} Box
 * @property {HTMLElement} root
 * @property {HTMLElement} live  made anew with every answer
 * @property {HTMLElement} tools
 * @property {HTMLElement} charts
 * @property {HTMLElement} said
 * @property {number} charted  when the charts were drawn last
 */

/** @type {Map<string, Box>} */
const boxes = new Map();
/** @type {any[]} */
let points = [];

await startLanguage(languageChanged);
const me = await whoami(byId("login"));
byId("logout").addEventListener("click", logout);
byId("test").hidden = false;

function languageChanged() {
  byId("points").replaceChildren();
  boxes.clear();
  refresh();
}

async function refresh() {
  try {
    const list = await get("/points");
    points = list.length <= FEW ? await Promise.all(list.map((/** @type {any} */ p) => get(`/points/${p.id}`))) : list;
    setText(byId("error"), points.length ? "" : t("status.no_points"));
    for (const point of points) show(point);
    const contact = points[0]?.contact;
    setText(byId("contact"), contact ? t("status.call", { contact }) : "");
  } catch (error) {
    setText(byId("error"), sayError(error));
  }
}

/** @param {unknown} error */
const sayError = (error) => (error instanceof Refused ? problemText(error.problem) : t("page.no_answer"));

/** @param {any} point @returns {Box} */
function boxOf(point) {
  const known = boxes.get(point.id);
  if (known) return known;
  const root = make("section", "point", byId("points"));
  root.dataset.point = point.id;
  make("h2", "", root).textContent = pick(point.name);
  const live = make("div", "live", root);
  const tools = make("div", "tools", root);
  const said = make("p", "said", root);
  said.setAttribute("role", "status");
  const charts = make("div", "charts", root);
  const box = { root, live, tools, charts, said, charted: 0 };
  boxes.set(point.id, box);
  buildTools(point, box);
  return box;
}

/** @param {any} point */
function show(point) {
  const box = boxOf(point);
  const fresh = document.createElement("div");
  make("p", "joined", fresh).textContent = t(`state.${point.state}`);
  if (point.maintenance) {
    const until = point.maintenance.until ? timeText(point.maintenance.until, ZONE, "day") : "–";
    make("p", "silenced", fresh).textContent = t("status.maintenance_until", { at: until });
  }
  const lamps = make("ul", "lamps", fresh);
  for (const lamp of point.lamps) showLamp(lamp, lamps);
  showIncidents(point, fresh);
  showAgent(point, fresh);
  if (point.next) {
    make("p", "", fresh).textContent = t("status.next", {
      title: pick(point.next.title),
      at: timeText(point.next.start, ZONE, "day"),
      left: clockText(point.next.start - point.now),
    });
  }
  if (point.last?.length) {
    make("h3", "", fresh).textContent = t("status.last");
    const list = make("ul", "last", fresh);
    for (const item of point.last) {
      const joined = item.joined ? t("status.drops", { drops: String(item.drops) }) : t("report.never_came");
      make("li", "", list).textContent = `${timeText(item.opened_at, ZONE, "day")} · ${pick(item.title)} · ${joined}`;
    }
  }
  // Only where something changed: screen readers and people in the middle of reading.
  if (fresh.innerText !== box.live.innerText || fresh.textContent !== box.live.textContent || box.live.dataset.levels !== levels(point)) {
    box.live.replaceChildren(...fresh.childNodes);
    box.live.dataset.levels = levels(point);
  }
  const restart = /** @type {HTMLElement | null} */ (box.tools.querySelector("[data-tool=restart]"));
  if (restart) restart.hidden = !point.agent || ["off", "headless"].includes(point.agent.report?.kiosk.state ?? "off");
  const test = /** @type {HTMLElement | null} */ (box.tools.querySelector("[data-tool=room-test]"));
  if (test) test.hidden = !point.agent;
  const silence = /** @type {HTMLElement} */ (box.tools.querySelector("[data-tool=maintenance]"));
  silence.setAttribute("aria-pressed", String(Boolean(point.maintenance)));
  setText(silence, t(point.maintenance ? "status.maintenance_off" : "status.maintenance_on"));
  if (points.length <= FEW && point.now - box.charted > CHARTS_EVERY) {
    box.charted = point.now;
    chart(point, box);
  }
}

/** @param {any} point */
const levels = (point) => point.lamps.map((/** @type {any} */ lamp) => lamp.level).join();

/** @param {any} lamp @param {Element} list */
function showLamp(lamp, list) {
  const row = make("li", "", list);
  row.dataset.level = lamp.level;
  row.dataset.lamp = lamp.name;
  const icon = make("span", "icon", row);
  icon.textContent = ICONS[lamp.level];
  icon.setAttribute("aria-hidden", "true");
  const text = make("div", "", row);
  make("strong", "", text).textContent = `${t(`lamp.${lamp.name}`)}: ${t(`lamp.level_${lamp.level}`)}. `;
  text.append(pick(lamp.sentence));
  if (lamp.steps.length) {
    make("p", "do", text).textContent = t("status.steps");
    const steps = make("ol", "steps", text);
    for (const step of lamp.steps) make("li", "", steps).textContent = pick(step);
  }
}

/** @param {any} point @param {Element} root */
function showIncidents(point, root) {
  if (!point.incidents.length) return;
  const list = make("ul", "incidents", root);
  for (const incident of point.incidents) {
    const row = make("li", "", list);
    row.dataset.level = incident.level;
    const since = t("incident.since", { at: timeText(incident.since, ZONE, "day") });
    row.append(`${t("incident.number", { number: String(incident.number) })}: ${t(`incident.${incident.kind}`)}, ${since}. `);
    if (incident.kind === "fault") {
      const over = make("button", "", row);
      over.textContent = t("incident.clear");
      over.addEventListener("click", () => attempt(point.id, () => call("DELETE", `/incidents/${incident.number}`)));
    }
  }
}

/** @param {number | null | undefined} share */
const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`);

/** @param {any} point @param {Element} root */
function showAgent(point, root) {
  const report = point.agent?.report;
  if (!report) {
    if (!point.agent) make("p", "hint", root).textContent = t("status.agent_away");
    return;
  }
  const { cpu, memory, disk } = report.machine;
  make("p", "hint", root).textContent = t("status.agent", { cpu: percent(cpu), memory: percent(memory), disk: percent(disk) });
  const names = report.devices.map((/** @type {any} */ device) => device.name).join(", ");
  make("p", "hint", root).textContent = t("status.devices", { devices: names || "–" });
}

// --- what one can do -----------------------------------------------------------------------

/** @param {string} point @param {() => Promise<any>} work */
async function attempt(point, work) {
  const box = boxes.get(point);
  if (!box) return;
  try {
    setText(box.said, (await work()) ?? "");
  } catch (error) {
    setText(box.said, sayError(error));
  }
  await refresh();
}

/** @param {any} point @param {Box} box */
function buildTools(point, box) {
  const { id } = point;
  const form = /** @type {HTMLFormElement} */ (make("form", "fault", box.tools));
  form.setAttribute("aria-label", t("status.report_fault"));
  const fault = /** @type {HTMLSelectElement} */ (make("select", "", form));
  fault.setAttribute("aria-label", t("status.report_fault"));
  for (const name of FAULTS) {
    const option = /** @type {HTMLOptionElement} */ (make("option", "", fault));
    option.value = name;
    option.textContent = t(`status.fault_${name}`);
  }
  const note = /** @type {HTMLInputElement} */ (make("input", "", form));
  note.maxLength = 500;
  note.placeholder = t("status.fault_note");
  note.setAttribute("aria-label", t("status.fault_note"));
  make("button", "danger", form).textContent = t("status.report_fault");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(id, async () => {
      const incident = await post(`/points/${id}/faults`, { fault: fault.value, note: note.value });
      note.value = "";
      return t("status.fault_sent", { number: String(incident.number) });
    });
  });
  const row = make("div", "row", box.tools);
  const silence = tool(row, "maintenance", "status.maintenance_on");
  silence.addEventListener("click", () => {
    const on = silence.getAttribute("aria-pressed") !== "true";
    attempt(id, async () => {
      await post(`/points/${id}/maintenance`, { on, minutes: on ? MAINTENANCE : null });
    });
  });
  tool(row, "room-test", "status.room_test").addEventListener("click", () => {
    setText(box.said, t("status.room_test_running"));
    attempt(id, async () => {
      const answer = await post(`/points/${id}/agent`, { command: "self_test" });
      return answer.ok ? t("status.room_test_good") : t("status.room_test_bad", { detail: answer.call?.detail || answer.detail || "–" });
    });
  });
  tool(row, "restart", "status.restart_kiosk").addEventListener("click", () => {
    attempt(id, async () => {
      await post(`/points/${id}/agent`, { command: "restart_kiosk" });
      return t("status.restarted");
    });
  });
}

/** @param {Element} row @param {string} name @param {string} key */
function tool(row, name, key) {
  const button = make("button", "", row);
  button.dataset.tool = name;
  button.textContent = t(key);
  return button;
}

// --- charts --------------------------------------------------------------------------------

/** @param {any} point @param {Box} box */
async function chart(point, box) {
  const now = Math.ceil(point.now / 60) * 60;
  const midnight = Math.floor((point.now + TO_ZONE) / DAY) * DAY - TO_ZONE;
  const parts = [
    { title: t("status.chart_hour"), from: now - HOUR, to: now, span: 60 },
    { title: t("status.chart_yesterday"), from: midnight - DAY, to: midnight, span: 600 },
  ];
  const histories = await Promise.all(parts.map((part) =>
    get(`/points/${point.id}/quality?from=${part.from}&to=${part.to}&span=${part.span}`)));
  box.charts.replaceChildren();
  parts.forEach((part, index) => {
    const rows = histories[index];
    const figure = make("figure", "", box.charts);
    make("figcaption", "", figure).textContent = part.title;
    if (rows.length) drawAll(figure, part, rows);
    else make("p", "hint", figure).textContent = t("status.no_history");
  });
}

/** @param {Element} figure @param {{from: number, to: number, span: number}} part @param {any[]} rows */
function drawAll(figure, part, rows) {
  const first = rows.find((row) => !row.kind.startsWith("router:"))?.kind ?? rows[0].kind;
  const of = (/** @type {string} */ direction) => rows.filter((row) => row.kind === first && row.direction === direction);
  /** Loss of all classes together. @param {string} direction @returns {[number, number | null][]} */
  const loss = (direction) => {
    /** @type {Map<number, [number, number]>} */
    const sums = new Map();
    for (const row of rows) {
      if (row.direction !== direction || row.kind.startsWith("router:")) continue;
      const [packets, lost] = sums.get(row.at) ?? [0, 0];
      sums.set(row.at, [packets + row.packets, lost + row.lost]);
    }
    return [...sums].map(([at, [packets, lost]]) => [at, packets ? (100 * lost) / packets : null]);
  };
  /** @type {[number, number][]} */
  const outages = of("up").filter((row) => row.outage > 0).map((row) => [row.at, row.at + row.span]);
  const time = (/** @type {number} */ at) => timeText(at, ZONE, "short");
  /** @param {string} key @param {number} least @param {import("../common/chart.js").Series[]} series */
  const one = (key, least, series) => {
    make("h3", "", figure).textContent = t(key);
    const legend = make("p", "legend", figure);
    for (const line of series.length > 1 ? series : []) make("span", line.kind, legend).textContent = line.name;
    draw(make("div", "", figure), { ...part, title: t(key), least, series, outages, time });
  };
  const up = t("status.up");
  const down = t("status.down");
  one("status.loss", 1, [
    { name: up, kind: "a", points: loss("up") },
    { name: down, kind: "b", points: loss("down") },
  ]);
  one("status.round_trip", 10, [{ name: "", kind: "a", points: of("up").map((row) => [row.at, row.round_trip_p95]) }]);
  one("status.variation", 5, [
    { name: up, kind: "a", points: of("up").map((row) => [row.at, row.variation_p95]) },
    { name: down, kind: "b", points: of("down").map((row) => [row.at, row.variation_p95]) },
  ]);
}

startSelfTest();
await refresh();
setInterval(refresh, REFRESH);
export { me };
