// Charts of a point's line: the last hour and yesterday.

/** @import { PointStatus, QualityRow } from "../types/protocol.js" */
/** @import { Series } from "../common/chart.js" */
import { get } from "../common/api.js";
import { draw } from "../common/chart.js";
import { make, makeText } from "../common/dom.js";
import { dayStart, timeText } from "../common/format.js";
import { t } from "../common/i18n.js";
import { zone } from "../common/zone.js";
import { seriesOf } from "./history.js";

const HOUR = 3600; // s

/** @typedef {{title: string, from: number, to: number, span: number}} Part  a chart's time; UTC seconds */

/** @param {PointStatus} point @param {HTMLElement} root */
export async function drawCharts({ id, now: at }, root) {
  const now = Math.ceil(at / 60) * 60;
  const midnight = dayStart(at, zone);
  /** @type {Part[]} */
  const parts = [
    { title: t("status.chart_hour"), from: now - HOUR, to: now, span: 60 },
    { title: t("status.chart_yesterday"), from: dayStart(midnight - 1, zone), to: midnight, span: 600 },
  ];
  const histories = await Promise.all(
    parts.map(({ from, to, span }) => get("/points/{id}/quality", { id, from, to, span })),
  );
  root.replaceChildren();
  parts.forEach((part, index) => {
    const figure = make("figure", "", root);
    makeText("figcaption", "", part.title, figure);
    if (histories[index].length) drawAll(figure, part, histories[index]);
    else makeText("p", "hint", t("status.no_history"), figure);
  });
}

/** @param {Element} figure @param {Part} part @param {QualityRow[]} rows */
function drawAll(figure, part, rows) {
  const history = seriesOf(rows);
  const { outages } = history;
  const time = (/** @type {number} */ at) => timeText(at, zone, "short");
  /** @param {string} key @param {number} least @param {Series[]} series */
  const one = (key, least, series) => {
    makeText("h3", "", t(key), figure);
    const legend = make("p", "legend", figure);
    for (const line of series.length > 1 ? series : []) makeText("span", line.kind, line.name, legend);
    draw(make("div", "", figure), { ...part, title: t(key), least, series, outages, time });
  };
  const up = t("status.up");
  const down = t("status.down");
  one("status.loss", 1, [
    { name: up, kind: "a", points: history.lossUp },
    { name: down, kind: "b", points: history.lossDown },
  ]);
  one("status.round_trip", 10, [{ name: "", kind: "a", points: history.roundTrip }]);
  one("status.variation", 5, [
    { name: up, kind: "a", points: history.variationUp },
    { name: down, kind: "b", points: history.variationDown },
  ]);
}
