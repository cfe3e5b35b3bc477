// What the conference was like where the picture is: beside the video, in words.

/** @import { Incident } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
/** @import { Moment } from "./moment.js" */
import { byId, make, makeHeader, makeText, refill } from "../common/dom.js";
import { clockText, timeText } from "../common/format.js";
import { has, pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";
import { reasonText } from "../console/log_text.js";
import { levelOf, shownTo } from "./moment.js";

const COLUMNS = ["point", "in", "sees", "up", "down", "why"];

/**
 * Show a moment. @param {Moment} moment @param {number} at  UTC seconds
 * @param {Incident[]} incidents  of the conference's time
 * @param {PageState} names
 */
export function showMoment(moment, at, incidents, names) {
  byId("moment-at").textContent = t("recordings.moment", { time: timeText(at, names.zone) });
  const now = incidents.filter(({ since, until }) => since <= at && (until === null || until > at));
  const whole = Math.floor(at); // waiting times are told in seconds
  refill(byId("moment-facts"), [moment.onAir, moment.floor, moment.queue, moment.content, whole], () => facts(moment, whole, names));
  refill(byId("moment-points"), [moment, now.map(({ number }) => number)], () => table(moment, now, names));
}

/** @param {Moment} moment @param {number} at @param {PageState} names */
function facts({ onAir, floor, queue, content }, at, names) {
  const parent = byId("moment-facts");
  /** @param {string} id */
  const nameOf = (id) => pick(pointOf(names, id)?.name) || id;
  /** @param {string} key @param {string} value */
  const fact = (key, value) => {
    makeText("dt", "", t(key), parent);
    makeText("dd", "", value, parent);
  };
  fact("recordings.on_air", nameOf(onAir) || t("recordings.nobody"));
  fact("recordings.floor", floor
    ? t("recordings.since", { point: nameOf(floor.point), length: clockText(at - floor.at) })
    : t("recordings.nobody"));
  fact("recordings.queue", queue.map(({ point, number, at: since }) =>
    t("recordings.waits", { number: String(number), point: nameOf(point), length: clockText(at - since) }))
    .join("; ") || t("recordings.nobody"));
  if (content) fact("recordings.content", content.startsWith("point:") ? nameOf(content.slice(6)) : content.replace(/^user:/, ""));
}

/** @param {Moment} moment @param {Incident[]} incidents @param {PageState} names */
function table(moment, incidents, names) {
  const parent = byId("moment-points");
  const head = make("tr", "", make("thead", "", parent));
  for (const name of COLUMNS) makeHeader(t(`recordings.column_${name}`), "col", head);
  const body = make("tbody", "", parent);
  /** @param {string} id */
  const nameOf = (id) => pick(pointOf(names, id)?.name) || id;
  for (const [point, seat] of Object.entries(moment.seats)) {
    const row = make("tr", "", body);
    row.dataset.point = point;
    row.dataset.level = levelOf(seat);
    const title = makeHeader(nameOf(point), "row", row);
    if (point === moment.onAir) makeText("span", "air", ` ${t("recordings.on_air")}`, title);
    const gone = seat.ever ? reasonText(seat.reason) : t("recordings.never");
    makeText("td", "", seat.present ? t("recordings.in") : gone, row);
    makeText("td", "", seat.present ? seenText(nameOf(shownTo(moment, point)), seat.picture) : "–", row);
    makeText("td", "", t(`quality.${seat.up}`), row);
    makeText("td", "", t(`quality.${seat.down}`), row);
    const why = incidents.filter((incident) => incident.point === point);
    makeText("td", "", why.map(({ kind }) => t(has(`incident.${kind}`) ? `incident.${kind}` : "incident.other")).join(", ") || "–", row);
  }
}

/** Which picture a room had, and how well. @param {string} shown @param {string} picture */
function seenText(shown, picture) {
  if (!picture || picture === "shown") return shown;
  return `${shown} (${has(`picture.${picture}`) ? t(`picture.${picture}`) : `${picture}p`})`;
}
