// Lines of a conference's log as sentences. Pure but for the catalogue.

/** @import { Event, Paper, Recorded, VoteResult } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
import { clockText, timeText } from "../common/format.js";
import { has, pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";
import { choiceWord, resultText } from "../common/vote.js";

/**
 * What happened, and who did it where that was a person.
 * @param {Recorded} line
 * @param {PageState} state
 */
export function lineText(line, state) {
  const { type: _, ...fields } = line.event;
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, value] of Object.entries(fields)) values[name] = wordOf(name, value, state);
  if (line.event.type === "paper_attached") Object.assign(values, paperWords(line.event.paper));
  else if ("paper" in line.event && !values.title) values.title = titleOf(String(line.event.paper), state);
  if (line.event.type === "dropped") values.reason = line.event.reason; // a person's own words
  const who = line.actor.startsWith("user:") ? ` · ${line.actor.slice(5)}` : "";
  return t(`event.${variantOf(line.event)}`, values) + who;
}

/** @param {Paper} paper */
const paperWords = ({ title, version, pages }) => ({ title, version: String(version), pages: String(pages) });

/** What a paper is called: as the conference knows it, otherwise by its id. @param {string} id @param {PageState} state */
const titleOf = (id, state) => state.conference?.papers.find((paper) => paper.id === id)?.title ?? id;

/**
 * A field of an event as people say it.
 * @param {string} name
 * @param {unknown} value
 * @param {PageState} state
 */
function wordOf(name, value, state) {
  if (value === null || value === undefined) return "–";
  const text = String(value);
  /** @param {string} id */
  const nameOf = (id) => pick(pointOf(state, id)?.name) || id;
  switch (name) {
    case "point":
    case "previous":
    case "shows":
      return nameOf(text);
    case "of": // a room of ours, what another bridge calls one of its own, or all of them
      return text ? nameOf(text) : t("peer.all_of_us");
    case "floor":
      return t(has(`peer.floor_${text}`) ? `peer.floor_${text}` : "peer.floor_none");
    case "voter": // a point, or a delegate, of whom the log knows no name
      return pointOf(state, text) ? nameOf(text) : t("persons.voter", { id: text.slice(0, 4) });
    case "persons":
      return typeof value === "object" ? String(Object.keys(value).length) : text;
    case "points":
    case "skipped":
      return Array.isArray(value) ? value.map(nameOf).join(", ") || "–" : text;
    case "items":
      return Array.isArray(value) ? String(value.length) : text;
    case "sharer":
      return text.startsWith("point:") ? nameOf(text.slice(6)) : text.replace(/^user:/, "");
    case "layout":
      return t(`layout.${text}`);
    case "viewers":
      return String(Object.values(/** @type {Record<string, number>} */ (value)).reduce((sum, some) => sum + some, 0));
    case "up":
    case "down":
      return t(`quality.${text}`);
    case "outcome":
      return t(has(`desk.outcome_${text}`) ? `desk.outcome_${text}` : "desk.outcome_running");
    case "choice":
      return choiceWord(text);
    case "result":
      return resultText({ options: [] }, /** @type {VoteResult} */ (value));
    case "picture":
      return has(`picture.${text}`) ? t(`picture.${text}`) : `${text}p`;
    case "kind":
      return t(has(`incident.${text}`) ? `incident.${text}` : "incident.other");
    case "reason":
      return reasonText(text);
    case "end":
    case "until":
      return timeText(Number(value), state.zone, "short");
    case "seconds":
    case "limit":
    case "lost":
    case "left":
      return clockText(Math.abs(Number(value)));
    default:
      return text;
  }
}

/**
 * Why a point is not in: the reason of an event as a sentence. Older logs have reasons that only
 * programs understand.
 * @param {string} reason
 */
export function reasonText(reason) {
  if (has(reason) && reason.startsWith("call.")) return t(reason);
  return t(has(`lost.${reason}`) ? `lost.${reason}` : "lost.lost");
}

/** The event's name in the catalogue: some have a sentence for on and one for off. @param {Event} event */
function variantOf(event) {
  switch (event.type) {
    case "microphones":
      return `microphones_${event.open ? "open" : event.locked ? "locked" : "closed"}`;
    case "officer_unreached":
      return `officer_unreached_${event.why === "declined" ? "declined" : "no_answer"}`;
    case "camera":
      return `camera_${event.off ? "off" : "on"}`;
    case "attendance":
      return `attendance_${event.present ? "present" : "absent"}`;
    case "registration":
      return `registration_${event.open ? "on" : "off"}`;
    case "locked":
      return `locked_${event.locked ? "on" : "off"}`;
    case "banner":
      return `banner_${event.text ? (event.point ? "point" : "on") : "off"}`;
    case "self_muted":
      return `self_muted_${event.muted ? "on" : "off"}`;
    case "content_sound":
      return `content_sound_${event.on ? "on" : "off"}`;
    case "maintenance":
      return `maintenance_${event.on ? "on" : "off"}`;
    case "previewed":
      return event.point === null ? "previewed_off" : "previewed";
    case "pinned":
      return event.point === null ? "unpinned" : "pinned";
    case "ranked":
      return event.points.length ? "ranked" : "ranked_off";
    case "return_picture":
      return event.point === null ? "return_picture_off" : "return_picture";
    case "floor_limited":
      return event.limit === null ? "floor_limited_off" : "floor_limited";
    case "floor_warned":
      return event.left ? "floor_warned" : "floor_over";
    case "roll_call_ended":
      return event.skipped.length ? "roll_call_ended_skipped" : "roll_call_ended";
    case "recording":
      if (event.problem) return `recording_${event.problem}`;
      return event.wish === "on" ? "recording_on" : event.wish === "paused" ? "recording_paused" : "recording_off";
    case "recording_written":
      return event.writing ? "recording_written_on" : "recording_written_off";
    case "recording_ruled":
      return event.keep_days === null ? "recording_ruled_for_ever" : "recording_ruled";
    case "recording_kept":
      return event.lost ? "recording_kept_lost" : "recording_kept";
    case "audience":
      return `audience_${event.admits}`;
    case "audience_code":
      return "audience_code_renewed";
    case "dropped":
      return event.reason ? "dropped_why" : "dropped";
    case "picture_sent":
      return event.shows === null ? "picture_sent_programme" : "picture_sent";
    case "floor_asked_there":
      return event.of === null ? "floor_taken_back_there" : "floor_asked_there";
    case "director":
      return event.before === null || event.before === undefined ? "director" : "director_taken";
    default:
      return event.type;
  }
}
