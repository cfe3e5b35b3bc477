// The overview: how the bridge and the points are at this moment, and what needs attention.

/** @import { Overview, PointsWorker } from "../types/protocol.js" */
import { get } from "../common/api.js";
import { workerTexts } from "../common/audience_workers.js";
import { byId, make, makeText } from "../common/dom.js";
import { percent, timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { zone } from "../common/zone.js";
import { table } from "./parts.js";

const EVERY = 10_000; // ms
const ENOUGH_DISK = 0.1; // share that is free
const ENOUGH_CERTIFICATE = 14 * 86400; // seconds until it runs out

/** Keep the overview fresh, only while somebody looks: it reads 24 hours from the store each time. */
export function startOverview() {
  setInterval(() => {
    if (!document.hidden) loadOverview().catch(() => undefined);
  }, EVERY);
}

export async function loadOverview() {
  const [found, serving, media] = await Promise.all([get("/overview"), get("/audience"), get("/workers")]);
  const list = byId("overview");
  list.replaceChildren();
  for (const [key, value, worry] of figuresOf(found, media.workers)) {
    const item = make("div", worry ? "worry" : "", list);
    makeText("dt", "", t(`overview.${key}`), item);
    makeText("dd", "", worry ? `⚠ ${value}` : value, item);
  }
  table("overview-points",
    ["overview.point", "overview.state", "overview.up", "overview.down", "overview.incidents", "overview.day", "overview.day_loss"],
    found.points.map((point) => [
      pick(point.name),
      point.maintenance ? `${t(`state.${point.state}`)} (${t("overview.maintenance")})` : t(`state.${point.state}`),
      `${t(`quality.${point.up}`)} ${percent(point.loss_up, 1)}`,
      `${t(`quality.${point.down}`)} ${percent(point.loss_down, 1)}`,
      String(point.incidents),
      percent(point.availability, 2),
      `${percent(point.day_loss_up, 2)} / ${percent(point.day_loss_down, 2)}`,
    ]));
  table("serving", ["serving.worker", "serving.state", "serving.load", "serving.next"],
    serving.workers.map((worker) => {
      const { name, state, viewers, next } = workerTexts(worker);
      return [name, state, viewers, next];
    }));
  byId("serving-hls").textContent = serving.by_hls
    ? t("serving.by_hls", { count: String(serving.by_hls) }) : "";
  byId("overview-age").textContent = t("overview.age", { at: timeText(found.now, zone) });
}

/**
 * The figures: name, value, and whether it needs attention.
 * @param {Overview} found @param {PointsWorker[]} workers  of the points
 * @returns {[key: string, value: string, worry: boolean][]}
 */
function figuresOf(found, workers) {
  const names = new Map(found.points.map((point) => [point.id, pick(point.name)]));
  const missing = found.missing.map((id) => names.get(id) ?? id);
  const free = found.disk_size ? found.disk_free / found.disk_size : null;
  const left = found.certificate - found.now;
  const none = t("overview.none");
  return [
    ["online", `${found.online}/${found.points.length}`, false],
    ["in_session", String(found.in_session), false],
    ["missing", missing.join(", ") || none, missing.length > 0],
    ["conferences", String(found.conferences), false],
    ["next", found.next_start ? timeText(found.next_start, zone, "day") : none, false],
    ["incidents", String(found.incidents), found.incidents > 0],
    ["worker", workers.length > 1 ? workers.map(workerText).join("; ") : t(found.worker ? "overview.running" : "overview.away"),
      workers.some(({ ready }) => !ready)],
    ["unsaved", String(found.unsaved), found.unsaved > 0],
    ["disk", percent(free, 0), free !== null && free < ENOUGH_DISK],
    ["certificate", found.certificate ? timeText(found.certificate, zone, "date") : none,
      Boolean(found.certificate) && left < ENOUGH_CERTIFICATE],
  ];
}

/** What one of several media workers holds. @param {PointsWorker} worker */
const workerText = ({ id, ready, conferences, connections }) =>
  ready ? t("overview.worker_one", { id, conferences: String(conferences), connections: String(connections) })
    : t("overview.worker_away", { id });
