// The top of the console: which conference, how the connections stand, who directs, what needs
// attention. One line; what is rare is in its menu.

/** @import { Client } from "../common/client.js" */
import { get } from "../common/api.js";
import { byId, elementOf, setText } from "../common/dom.js";
import { clockText, timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { recordingText } from "../common/recording.js";
import { directs, takenFromMe } from "../common/state.js";

const STALE = 1.5; // seconds without any message until the console says that figures are old
const READINESS_EVERY = 10000; // ms
const LATE = 10; // seconds after which a recording that was asked for and is not written is said
const SEEN = "direction.seen"; // in the browser's local storage: the loss of direction that was seen

/** @type {number | null} since when a recording is asked for that is not written, s of the bridge */
let coming = null;
let late = false;

/** A sentence that stays until the next `renderHeader`; "" takes it away. @param {string} text */
export function alarm(text) {
  byId("alarm").textContent = text;
  byId("alarm").hidden = !text;
}

/** Make the header's own buttons work. @param {Client} client */
export function startHeader(client) {
  byId("lost-seen").addEventListener("click", () => {
    localStorage.setItem(SEEN, lossOf(client));
    renderHeader(client);
  });
  for (const item of byId("menu").querySelectorAll("a, button")) {
    item.addEventListener("click", () => byId("menu").hidePopover());
  }
}

/** Which loss of direction is shown; "" where there is none. @param {Client} client */
function lossOf({ state }) {
  const line = takenFromMe(state);
  return line ? `${line.conference}/${line.seq}` : "";
}

/** @param {Client} client */
export function renderHeader(client) {
  const { state } = client;
  const { conference, bridge, unsaved } = state;
  if (bridge) setText(byId("bridge"), pick(bridge));
  document.title = conference ? pick(conference.title) : "Điểm Cầu";
  const phase = byId("phase");
  phase.hidden = !conference;
  phase.dataset.phase = conference?.phase ?? "";
  phase.dataset.icon = conference?.phase === "open" ? "trial" : "live";
  setText(byId("phase-name"), conference ? t(`phase.${conference.phase}`) : "");
  const recording = recordingText(conference, true);
  byId("recording").hidden = !recording;
  byId("recording").dataset.icon = conference?.recorded ? "live" : "no-record";
  setText(byId("recording"), recording);
  const waits = conference?.record === "on" && !conference.recorded;
  coming = waits ? (coming ?? client.now) : null;
  late = isLate(client);
  const [level, text] = statusOf(client);
  setText(byId("status"), text);
  byId("status").dataset.level = level;
  byId("status").dataset.icon = level === "good" ? "ready" : "warning";
  const blocked = client.link === "up" && client.mediaLink !== "up" && client.blocked;
  const problem = late ? "late" : (conference?.record_problem ?? "");
  alarm(unsaved ? pick(unsaved) : blocked ? t(blocked) : problem ? t(`recording.${problem}`) : conference?.end_near ? t("console.end_near") : "");
  renderDirection(client);
}

/** Who directs, and whether somebody has taken it from this user. @param {Client} client */
function renderDirection(client) {
  const { state } = client;
  const { conference, mayDirect, user } = state;
  const director = conference?.director ?? null;
  const mine = director === user;
  byId("director").hidden = !conference;
  setText(byId("director"), mine ? t("console.you_direct") : director ? t("console.directs", { user: director }) : t("console.nobody_directs"));
  byId("director").classList.toggle("other", director !== null && !mine);
  byId("direct").hidden = !conference || !mayDirect || mine;
  setText(byId("direct"), t("console.take_over"));
  const loss = lossOf(client);
  const line = takenFromMe(state);
  byId("lost").hidden = !line || directs(state) || localStorage.getItem(SEEN) === loss;
  const by = line?.event.type === "director" ? (line.event.user ?? "") : "";
  setText(byId("lost-text"), line ? t("console.direction_lost", { user: by, at: timeText(line.at, state.zone) }) : "");
}

/** How the connections stand, the worst first. @param {Client} client @returns {[string, string]} */
function statusOf(client) {
  if (client.farewell) return ["bad", pick(client.farewell)];
  if (client.link !== "up") return ["bad", t("room.status.reconnecting")];
  if (!client.state.worker) return ["bad", t("console.no_worker")];
  if (client.mediaLink !== "up") return ["warn", t("room.status.media")];
  return ["good", t("room.status.in_session")];
}

/** Whether a recording has been waited for too long. @param {Client} client */
function isLate(client) {
  return coming !== null && client.now - coming > LATE;
}

/** What changes with time alone. @param {Client} client */
export function tickHeader(client) {
  if (isLate(client) !== late) renderHeader(client);
  setText(byId("clock"), timeText(client.now, client.state.zone));
  const started = client.state.conference?.started_at ?? null;
  setText(byId("elapsed"), started === null ? "" : clockText(client.now - started));
  const silent = client.silence;
  const stale = silent > STALE;
  document.body.classList.toggle("stale", client.link !== "up" || stale);
  if (client.link === "up" && stale) {
    setText(byId("status"), t("console.stale", { seconds: silent.toFixed(0) }));
    byId("status").dataset.level = "warn";
    byId("status").dataset.icon = "warning";
  }
}

/** Keep the verdict of the last readiness sweep on the link to its board. */
export async function watchReadiness() {
  const board = await get("/readiness").catch(() => null);
  const link = elementOf("readiness", HTMLAnchorElement);
  if (board?.running) {
    setText(link, t("ready.running", { progress: String(Math.round(board.progress * 100)) }));
  } else if (board?.at) {
    const ready = board.points.filter((point) => point.level === "pass").length;
    setText(link, t("ready.summary", { ready: String(ready), all: String(board.points.length) }));
    link.dataset.level = board.level;
    link.dataset.icon = board.level === "pass" ? "ready" : "warning";
    link.title = t(`ready.verdict_${board.level}`);
  }
  setTimeout(watchReadiness, READINESS_EVERY);
}
