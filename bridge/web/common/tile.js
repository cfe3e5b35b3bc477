// What a point's tile shows, worked out of the state. Pure but for the catalogue.

/** @import { Quality, SeatView } from "../types/protocol.js" */
/** @import { PageState } from "./state.js" */
import { clockText } from "./format.js";
import { pick, t } from "./i18n.js";
import { pointOf, standing } from "./state.js";

const MOVED = 4; // seconds that a tile tells where a camera was sent, and
const NOT_MOVED = 30; // that it was not
const OLD_LINE = 6; // seconds after which a line's figures are old

/** @type {Record<string, string>} */
const STANDING_MARKS = {
  offline: "○",
  ready: "◌",
  connecting: "◔",
  in_session: "●",
  lost: "▲",
};
/** Icons of the style sheet, in place of a mark. @type {Record<string, string>} */
const STANDING_ICONS = { requesting: "hand", speaking: "microphone" };

/**
 * Everything that a tile shows of a point.
 * @param {PageState} state
 * @param {string} id  of the point
 * @param {number} now  UTC seconds
 */
export function tileOf(state, id, now) {
  const does = standing(state, id);
  const { conference } = state;
  const name = pick(pointOf(state, id)?.name);
  const seat = conference?.seats[id];
  const line = state.lines[id];
  const old = line !== undefined && now - line.at > OLD_LINE;
  const onAir = conference?.on_air === id;
  const preview = conference?.preview === id;
  const camera = cameraOf(state, id, now);
  const talk = state.talks[id];
  return {
    name,
    standing: does,
    mark: STANDING_MARKS[does] ?? "",
    icon: STANDING_ICONS[does] ?? "",
    onAir,
    preview,
    picture: state.pictures[id] ?? null,
    paused: pausedText(state, id),
    word: t(`state.${does}`),
    talk: talk ? t(`tile.talk_${talk.answer}`, { user: talk.user }) : "",
    badge: onAir ? t("room.on_air") : preview ? t("console.preview") : does === "in_session" ? "" : t(`state.${does}`),
    microphone: seat ? microphoneIcon(seat) : "",
    open: heard(seat),
    faults: faultsOf(state, id).map(([short]) => short),
    camera: camera.text,
    cameraFails: camera.fails,
    line: !line ? "" : old ? t("console.old", { seconds: clockText(now - line.at) }) : lineMark(line),
    lineLevel: line ? worst(line) : "unknown",
    old,
    losses: state.losses[id] ?? [],
    details: [pick(seat?.problem), camera.why, ...faultsOf(state, id).map(([, whole]) => whole), line ? lineText(line) : ""].filter(Boolean).join("\n"),
    label: label(state, id, name),
  };
}

/**
 * Why a point's small picture stands still, or that the point itself gets sound only (on a console).
 * @param {PageState} state
 * @param {string} id
 */
export function pausedText(state, id) {
  if (state.paused[id]?.includes("programme")) return t("tile.sound_only");
  return pausedSlotText(Object.values(state.shown).find(({ stands }) => stands === id));
}

/**
 * Why a slot's picture stands still; "" for one that moves, or is nobody's.
 * @param {{ paused: string } | undefined} slot
 */
export function pausedSlotText(slot) {
  if (!slot?.paused) return "";
  return t(slot.paused === "measuring" ? "tile.measuring" : "tile.paused");
}

/**
 * Where a point's camera was sent a moment ago, or why it did not go there.
 * @param {PageState} state
 * @param {string} id
 * @param {number} now  UTC seconds
 */
export function cameraOf(state, id, now) {
  const move = state.cameras[id];
  const age = move ? now - move.at : 0;
  if (!move || age > (move.problem ? NOT_MOVED : MOVED) + (move.waits ? NOT_MOVED : 0)) return { text: "", fails: false, why: "" };
  const name = pointOf(state, id)?.presets.find(({ number }) => number === move.preset)?.name;
  const preset = name ? pick(name) : String(move.preset);
  const text = t(move.problem ? "tile.camera_fails" : move.waits ? "tile.camera_asked" : "tile.camera_moves", { preset });
  return { text, fails: move.problem !== null, why: pick(move.problem) };
}

/** @param {SeatView} seat */
function microphoneIcon(seat) {
  if (seat.locked) return "locked";
  return seat.microphone ? "microphone" : "muted";
}

/** Whether a point is to be heard, and its voice really arrives. @param {SeatView | undefined} seat */
const heard = (seat) => seat !== undefined && seat.microphone && seat.voice === "live";

/**
 * What is wrong with a point's devices: in two words, and in a sentence.
 * @param {PageState} state
 * @param {string} id
 * @returns {[short: string, whole: string][]}
 */
export function faultsOf(state, id) {
  const here = ["ready", "connecting", "in_session"].includes(state.presence[id] ?? "");
  if (!here || pointOf(state, id)?.observer) return [];
  const room = state.rooms[id];
  const seat = state.conference?.seats[id];
  /** @type {[string, string][]} */
  const found = [];
  if (room?.camera_fault) found.push([t("tile.no_camera"), t(`device.camera_${room.camera_fault}`)]);
  else if (seat?.present && room?.sending && !seat.picture && !seat.camera_off) {
    found.push([t("tile.no_picture"), t("device.camera_unheard")]);
  }
  if (room?.microphone_fault) found.push([t("tile.no_microphone"), t(`device.microphone_${room.microphone_fault}`)]);
  else if (seat?.present && seat.microphone && seat.voice !== "live") {
    const how = seat.voice === "silent" ? "silent" : "unheard";
    found.push([t("tile.no_sound"), t(`device.microphone_${how}`)]);
  }
  return found;
}

/** @param {string} level */
const short = (level) => (level === "unknown" ? "?" : t(`quality.${level}`));

/** A line in a few characters. @param {Quality} line */
function lineMark(line) {
  const marks = [];
  if (line.maintenance) marks.push(t("console.maintenance"));
  if (line.reach === "no") marks.push(t("console.reach_no", { seconds: clockText(line.silent) }));
  else marks.push(`↑${short(line.up)} ↓${short(line.down)}`);
  if (line.incidents && !line.maintenance) marks.push(t("console.incidents", { count: String(line.incidents) }));
  return marks.join(" · ");
}

/** All figures of a line in words. @param {Quality} line */
function lineText(line) {
  if (line.reach !== "yes") return "";
  /** @param {number | null} value */
  const ms = (value) => (value === null ? "–" : value.toFixed(1));
  return t("console.line_detail", {
    up_loss: (100 * line.up_loss).toFixed(1), down_loss: (100 * line.down_loss).toFixed(1),
    up_variation: ms(line.up_variation), down_variation: ms(line.down_variation), rtt: ms(line.rtt_ms),
  });
}

const ORDER = ["unknown", "good", "fair", "poor", "bad"];

/** The worse of a line's two directions. @param {Quality} line */
const worst = (line) =>
  ORDER[Math.max(ORDER.indexOf(line.up), ORDER.indexOf(line.down))] ?? "unknown";

/**
 * The tile in words, for assistants:
 * "Điểm cầu Khoan Dụ, đang phát biểu, micro mở, đường truyền tốt".
 * @param {PageState} state
 * @param {string} id
 * @param {string} name
 */
function label(state, id, name) {
  const parts = [t("tile.point", { name })];
  if (state.conference?.on_air === id) parts.push(t("tile.on_air"));
  if (state.conference?.preview === id) parts.push(t("tile.preview"));
  const talk = state.talks[id];
  if (talk) parts.push(t(`tile.talk_${talk.answer}`, { user: talk.user }).toLowerCase());
  const paused = pausedText(state, id);
  if (paused) parts.push(paused.toLowerCase());
  parts.push(t(`state.${standing(state, id)}`).toLowerCase());
  const seat = state.conference?.seats[id];
  if (seat) parts.push(t(heard(seat) ? "tile.microphone_open" : seat.microphone ? "tile.microphone_unheard" : "tile.microphone_closed"));
  for (const [short] of faultsOf(state, id)) parts.push(short.toLowerCase());
  const line = state.lines[id];
  if (line) parts.push(t("tile.line", { level: t(`quality.${worst(line)}`).toLowerCase() }));
  return parts.join(", ");
}
