// The top of the console: which conference, how the connections stand, what needs attention.

/** @import { Client } from "../common/client.js" */
import { get } from "../common/api.js";
import { byId, setText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";

const STALE = 1.5; // seconds without any message until the console says that figures are old
const READINESS_EVERY = 10000; // ms

/** A sentence that stays until the next `renderHeader`; "" takes it away. @param {string} text */
export function alarm(text) {
  byId("alarm").textContent = text;
  byId("alarm").hidden = !text;
}

/** @param {Client} client */
export function renderHeader(client) {
  const { conference, bridge, unsaved } = client.state;
  if (bridge) setText(byId("bridge"), pick(bridge));
  setText(byId("title"), conference ? pick(conference.title) : "");
  document.title = conference ? pick(conference.title) : "Điểm Cầu";
  setText(byId("phase"), conference ? t(`phase.${conference.phase}`) : "");
  byId("recording").hidden = conference?.recording !== "forbidden";
  setText(byId("recording"), t("report.recording_forbidden"));
  const [level, text] = statusOf(client);
  setText(byId("status"), text);
  byId("status").dataset.level = level;
  alarm(unsaved ? pick(unsaved) : conference?.end_near ? t("console.end_near") : "");
}

/** How the connections stand, the worst first. @param {Client} client @returns {[string, string]} */
function statusOf(client) {
  if (client.farewell) return ["bad", pick(client.farewell)];
  if (client.link !== "up") return ["bad", t("room.status.reconnecting")];
  if (!client.state.worker) return ["bad", t("console.no_worker")];
  if (client.mediaLink !== "up") return ["warn", t("room.status.media")];
  return ["good", t("room.status.in_session")];
}

/** What changes with time alone. @param {Client} client */
export function tickHeader(client) {
  setText(byId("clock"), timeText(client.now, client.state.zone));
  const silent = client.silence / 1000;
  const stale = silent > STALE;
  document.body.classList.toggle("stale", client.link !== "up" || stale);
  if (client.link === "up" && stale) {
    setText(byId("status"), t("console.stale", { seconds: silent.toFixed(0) }));
    byId("status").dataset.level = "warn";
  }
}

/** Keep the verdict of the last readiness sweep on the link to its board. */
export async function watchReadiness() {
  const board = await get("/readiness").catch(() => null);
  const link = byId("readiness");
  if (board?.running) {
    setText(link, t("ready.running", { progress: String(Math.round(board.progress * 100)) }));
  } else if (board?.at) {
    const ready = board.points.filter((point) => point.level === "pass").length;
    setText(link, t("ready.summary", { ready: String(ready), all: String(board.points.length) }));
    link.dataset.level = board.level;
    link.title = t(`ready.verdict_${board.level}`);
  }
  setTimeout(watchReadiness, READINESS_EVERY);
}
