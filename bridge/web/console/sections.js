// What the panel of a point tells, section by section, as rows of words. Pure but for the catalogue.
// A further section is one more entry of `SECTIONS`.

/** @import { PointStatus, PointTraffic, Quality } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
/** @import { Row } from "../common/traffic.js" */
import { percent, spanText, timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { pointOf, standing } from "../common/state.js";
import { faultsOf } from "../common/tile.js";
import { trafficRows } from "../common/traffic.js";
import { bridgeRows } from "./other_bridge.js";

/**
 * @typedef {object} About  everything that a section may tell of
 * @property {PageState} state
 * @property {string} point
 * @property {number} now  UTC seconds
 * @property {PointStatus | null} status  what the bridge tells when asked; null: not yet
 * @property {PointTraffic | null} traffic  the same, of what it is sent and sends
 *
 * @typedef {object} Section
 * @property {string} name  in the catalogue as panel.NAME
 * @property {(about: About) => Row[]} rows
 */

/** @type {Section[]} */
export const SECTIONS = [
  { name: "now", rows: nowRows },
  { name: "bridge", rows: bridgeRows },
  { name: "devices", rows: deviceRows },
  { name: "line", rows: lineRows },
  { name: "receives", rows: receiveRows },
  { name: "traffic", rows: ({ traffic }) => trafficRows(traffic) },
  { name: "incidents", rows: incidentRows },
  { name: "last", rows: lastRows },
];

/** @param {string} label @param {string} text @param {string} [level] @returns {Row} */
const row = (label, text, level) => ({ label: label && t(label), text, level });

/** @param {About} about @returns {Row[]} */
function nowRows({ state, point }) {
  const { conference } = state;
  const seat = conference?.seats[point];
  const rows = [row("admin.state", t(`state.${standing(state, point)}`))];
  if (!conference || !seat) return rows;
  if (seat.problem) rows.push(row("", pick(seat.problem), "warn"));
  const place = conference.queue.findIndex((request) => request.point === point);
  if (place >= 0) rows.push(row("panel.queue", String(place + 1)));
  const sound = seat.locked ? "room.microphone_locked" : seat.self_muted && seat.open ? "panel.self_muted" : seat.microphone ? "panel.heard" : "panel.not_heard";
  rows.push(row("room.voice", t(sound), seat.self_muted && seat.open ? "warn" : undefined));
  if (seat.camera_off) rows.push(row("room.camera", t("slate.off"), "warn"));
  if (seat.floor_seconds >= 1) rows.push(row("panel.spoken", spanText(seat.floor_seconds)));
  return rows;
}

/** @param {About} about @returns {Row[]} */
function deviceRows({ state, point, status }) {
  const room = state.rooms[point] ?? status?.room ?? null;
  const faults = faultsOf(state, point);
  /** @type {Row[]} */
  const rows = [];
  if (room) {
    /** @param {string} label @param {boolean} on */
    const device = (label, on) => row(label, t(on ? "panel.works" : "panel.missing"), on ? "good" : "bad");
    rows.push(device("room.camera", room.camera), device("room.voice", room.microphone));
    for (const [, whole] of faults) rows.push(row("", whole, "bad"));
  } else rows.push(row("", t("panel.no_page"), "warn"));
  const report = status?.agent?.report;
  for (const device of report?.devices ?? []) rows.push(row(`ready.check.${device.kind}`, device.name));
  if (report && report.kiosk.state === "failed") rows.push(row("ready.check.kiosk", t("incident.kiosk"), "bad"));
  return rows;
}

/** @type {Record<string, string>} */
const COLOURS = { good: "good", fair: "good", poor: "warn", bad: "bad" };

/** @param {About} about @returns {Row[]} */
function lineRows({ state, point }) {
  const line = state.lines[point];
  if (!line) return [row("", t("status.no_history"))];
  if (line.reach === "no") return [row("", t("console.reach_no", { seconds: spanText(line.silent) }), "bad")];
  const rows = [directionRow(line, "up"), directionRow(line, "down")];
  rows.push(row("ready.check.round_trip", ms(line.rtt_ms)));
  if (line.maintenance) rows.push(row("", t("console.maintenance"), "warn"));
  return rows;
}

/** @param {Quality} line @param {"up" | "down"} way */
function directionRow(line, way) {
  const level = line[way];
  const mos = line[`${way}_mos`];
  const figures = t("panel.direction", {
    level: t(`quality.${level}`), loss: percent(line[`${way}_loss`], 1), variation: ms(line[`${way}_variation`]),
  });
  return row(`panel.${way}`, mos === null ? figures : `${figures}, MOS ${mos.toFixed(1)}`, COLOURS[level]);
}

/** @param {number | null} value */
const ms = (value) => (value === null ? "–" : `${value.toFixed(0)} ms`);

/** @param {About} about @returns {Row[]} */
function receiveRows({ state, point }) {
  const { conference } = state;
  const playback = state.lines[point]?.playback ?? null;
  const room = state.rooms[point];
  /** @type {Row[]} */
  const rows = [];
  if (conference?.seats[point]?.present) {
    const sees = conference.on_air === point ? (conference.return_picture ?? conference.chair) : conference.on_air;
    if (sees !== point) rows.push(row("console.programme_picture", pick(pointOf(state, sees)?.name)));
  }
  if (room?.layout) rows.push(row("action.layout", t(`layout.${room.layout}`)));
  if (!playback) return rows.length ? rows : [row("", t("status.no_history"))];
  rows.push(row("panel.picture", t("panel.size", { height: String(playback.frame_height), rate: playback.frame_rate.toFixed(0) })));
  rows.push(row("panel.frozen", percent(playback.frozen, 0), playback.frozen > 0.05 ? "warn" : undefined));
  rows.push(row("panel.concealed", percent(playback.concealed, 0), playback.concealed > 0.05 ? "warn" : undefined));
  return rows;
}

/** @param {About} about @returns {Row[]} */
function incidentRows({ state, status }) {
  const incidents = status?.incidents ?? [];
  if (!incidents.length) return [row("", t("incident.none"))];
  return incidents.map(({ number, kind, since, level }) => ({
    label: t("incident.number", { number: String(number) }),
    text: `${t(`incident.${kind}`)}, ${t("incident.since", { at: timeText(since, state.zone, "day") })}`,
    level: level === "bad" ? "bad" : "warn",
  }));
}

/** @param {About} about @returns {Row[]} */
function lastRows({ state, status }) {
  const last = status?.last ?? [];
  if (!last.length) return [row("", t("panel.none_yet"))];
  return last.map(({ id, title, opened_at, joined, drops }) => ({
    label: timeText(opened_at, state.zone, "day"),
    text: `${pick(title)}: ${joined ? t("status.drops", { drops: String(drops) }) : t("report.never_came")}`,
    level: !joined || drops > 2 ? "warn" : undefined,
    link: `/report?id=${encodeURIComponent(id)}`,
  }));
}
