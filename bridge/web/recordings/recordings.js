// Recordings: which there are, and one of them played beside what happened in its conference.

/** @import { Incident, Recorded, RecordingView } from "../types/protocol.js" */
import { addressOf, get, patch, remove } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeText, setText } from "../common/dom.js";
import { clockText, dayStart, timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";
import { initial } from "../common/state.js";
import { lineText } from "../console/log_text.js";
import { momentAt, spansOf } from "./moment.js";
import { showMoment } from "./moment_panel.js";
import { instantOf, placeOf, reached } from "./places.js";
import { drawStrip, markStrip, startStrip } from "./strip.js";

const PAGE = 1000; // events asked for at once
const DAY = 86400; // s
const SEEN_BY = /** @type {const} */ (["watch", "direct", "admin"]);
/** Events that happen all the time and lead nowhere in the picture. */
const QUIET = ["quality", "picture", "previewed", "clock_stepped"];

/** @type {RecordingView[]} */
let found = [];
/** @type {RecordingView | null} */
let chosen = null;
/** @type {Recorded[]} */
let log = [];
/** @type {Incident[]} */
let incidents = [];
/** @type {{line: Recorded, place: number}[]} */
let timeline = [];

await startLanguage(render);
const me = await whoami(byId("login"));
const points = await get("/points").catch(() => []);
const names = {
  ...initial,
  zone: me.zone,
  points: points.map(({ id, name }) => ({ id, name, tier: "", chair: false, observer: false, presets: [] })),
};
byId("recordings").hidden = false;
const video = elementOf("video", HTMLVideoElement);
video.addEventListener("timeupdate", mark);
for (const moved of ["seeking", "seeked", "durationchange"]) video.addEventListener(moved, mark);
startStrip(video);
elementOf("go-to", HTMLInputElement).addEventListener("change", goTo);
video.addEventListener("error", () => {
  if (chosen) setText(byId("error"), t("recordings.cannot_play"));
});
async function load() {
  try {
    found = await get("/recordings");
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
  render();
}

function render() {
  byId("none").hidden = found.length > 0;
  byId("list").replaceChildren(...found.map(rowOf));
  renderTimeline();
}

/** @param {RecordingView} recording */
function nameOf(recording) {
  return `${pick(recording.title)} – ${timeText(recording.at, me.zone, "day")}`;
}

/** @param {RecordingView} recording */
function rowOf(recording) {
  const row = make("li", recording === chosen ? "chosen" : "");
  row.dataset.recording = recording.id;
  makeText("strong", "", nameOf(recording), row);
  const size = (recording.octets / 1e6).toFixed(recording.octets < 1e7 ? 1 : 0);
  makeText("span", "", t("recordings.length", { length: clockText(recording.seconds), size }), row);
  if (recording.lost) makeText("span", "", t("recordings.lost", { lost: recording.lost.toFixed(1) }), row);
  if (recording.deleted_at !== null) {
    const day = timeText(recording.deleted_at, me.zone, "day");
    makeText("span", "sub", t("recordings.deleted_at", { day }), row);
  }
  const play = makeText("button", "primary", t("recordings.play"), row);
  play.setAttribute("aria-label", `${t("recordings.play")}: ${nameOf(recording)}`);
  play.addEventListener("click", () => choose(recording));
  const link = make("a", "button", row);
  link.textContent = t("recordings.download");
  link.href = addressOf("/recordings/{id}/file", { id: recording.id, download: 1 });
  link.setAttribute("aria-label", `${t("recordings.download")}: ${nameOf(recording)}`);
  const pack = make("a", "button", row);
  pack.textContent = t("recordings.evidence");
  pack.href = addressOf("/recordings/{id}/evidence", { id: recording.id });
  pack.setAttribute("aria-label", `${t("recordings.evidence")}: ${nameOf(recording)}`);
  if (me.rights.includes("admin")) {
    row.append(rulesOf(recording));
    const end = makeText("button", "danger", t("recordings.delete"), row);
    end.setAttribute("aria-label", `${t("recordings.delete")}: ${nameOf(recording)}`);
    end.addEventListener("click", () => erase(recording));
  }
  return row;
}

/** @param {RecordingView} recording */
async function choose(recording) {
  chosen = recording;
  log = [];
  incidents = [];
  timeline = [];
  setText(byId("error"), "");
  byId("player").hidden = false;
  video.src = addressOf("/recordings/{id}/file", { id: recording.id });
  render();
  byId("playing").focus();
  try {
    const read = await logOf(recording.conference);
    if (chosen !== recording) return; // another one was chosen meanwhile
    log = read;
    timeline = timelineOf(recording);
    incidents = await incidentsOf(recording);
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
  renderTimeline();
}

/** The whole log of a conference. @param {string} id */
async function logOf(id) {
  /** @type {Recorded[]} */
  const lines = [];
  for (let after = 0; ;) {
    const { events } = await get("/conferences/{id}/events", { id, after, limit: PAGE });
    lines.push(...events);
    if (events.length < PAGE) return lines;
    after = events[events.length - 1].seq;
  }
}

/** What happened while it was recorded. @param {RecordingView} recording */
function timelineOf({ parts }) {
  /** @type {{line: Recorded, place: number}[]} */
  const lines = [];
  for (const line of log) {
    const place = placeOf(parts, line.at);
    const inside = line.at >= (parts[0]?.at ?? 0) - 1;
    if (place !== null && inside && !QUIET.includes(line.event.type)) lines.push({ line, place });
  }
  return lines;
}

/** What was wrong with lines meanwhile, for those who may know. @param {RecordingView} recording */
async function incidentsOf({ parts }) {
  const last = parts[parts.length - 1];
  if (!last || !me.rights.includes("own_points")) return [];
  const to = Math.ceil(last.at + last.seconds);
  return get("/incidents", { from: Math.floor(parts[0].at), to }).catch(() => []);
}

function renderTimeline() {
  if (!chosen) return;
  setText(byId("playing"), nameOf(chosen));
  setText(byId("checksum"), t("recordings.checksum", { sha256: chosen.sha256 }));
  byId("timeline").replaceChildren(...timeline.map(({ line, place }) => {
    const entry = make("li", "");
    const button = make("button", "", entry);
    makeText("time", "", clockText(place), button);
    makeText("span", "", lineText(line, names), button);
    button.addEventListener("click", () => {
      video.currentTime = place;
      void video.play().catch(() => {});
    });
    return entry;
  }));
  const rows = Object.keys(momentAt(log, Infinity).seats).map((id) => ({
    id, name: pick(names.points.find((point) => point.id === id)?.name) || id,
  }));
  const end = instantOf(chosen.parts, chosen.seconds);
  drawStrip(rows, spansOf(log, end), chosen.parts, chosen.seconds);
  mark();
}

/** Show where in the timeline the picture is, and what the conference was like then. */
function mark() {
  if (!chosen) return;
  const at = instantOf(chosen.parts, video.currentTime);
  markStrip(video.currentTime, chosen.seconds, `${clockText(video.currentTime)}, ${timeText(at, me.zone)}`);
  if (log.length) showMoment(momentAt(log, at), at, incidents, names);
  const now = reached(timeline.map(({ place }) => place), video.currentTime);
  [...byId("timeline").children].forEach((entry, index) => entry.classList.toggle("now", index === now));
}

/** Who sees it and how long it is kept, to be changed. @param {RecordingView} recording */
function rulesOf(recording) {
  const box = make("details", "");
  makeText("summary", "", `${t("recordings.rules")}: ${t(`seen_by.${recording.seen_by}`)}`, box);
  const form = make("form", "row", box);
  const who = make("select", "", makeText("label", "", `${t("template.recording_for")} `, form));
  for (const value of SEEN_BY) {
    const option = makeText("option", "", t(`seen_by.${value}`), who);
    option.value = value;
    option.selected = value === recording.seen_by;
  }
  const days = make("input", "", makeText("label", "", `${t("template.keep")} `, form));
  Object.assign(days, { type: "number", min: "1", max: "3650", step: "1", value: recording.keep_days ?? "" });
  makeText("button", "", t("recordings.save"), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const seen_by = SEEN_BY.find((value) => value === who.value) ?? "admin";
    const keep_days = days.value ? Number(days.value) : null;
    try {
      await patch("/recordings/{id}", { id: recording.id }, { seen_by, keep_days });
      setText(byId("error"), "");
      await load();
    } catch (error) {
      setText(byId("error"), errorText(error));
    }
  });
  return box;
}

/** Go to a time of the day. @param {Event} event */
function goTo(event) {
  const input = event.currentTarget;
  const first = chosen?.parts[0];
  if (!(input instanceof HTMLInputElement) || !chosen || !first || !input.value) return;
  const [hours, minutes, seconds = 0] = input.value.split(":").map(Number);
  let at = dayStart(first.at, me.zone) + 3600 * hours + 60 * minutes + seconds;
  if (at < first.at - DAY / 2) at += DAY; // after midnight
  video.currentTime = placeOf(chosen.parts, at) ?? chosen.seconds;
}

/** @param {RecordingView} recording */
async function erase(recording) {
  const question = t("recordings.confirm_delete", { title: nameOf(recording) });
  if (!(await confirmed(question, t("recordings.delete")))) return;
  try {
    await remove("/recordings/{id}", { id: recording.id });
    if (chosen === recording) {
      chosen = null;
      video.removeAttribute("src");
      byId("player").hidden = true;
    }
  } catch (error) {
    setText(byId("error"), errorText(error));
  }
  await load();
}

await load();
