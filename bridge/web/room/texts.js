// What the room page says and shows, worked out of the state. Pure but for the catalogue.

/** @import { ConferenceView, Floor, Layout, Problem, RoomStatus, SeatView, Sentence, VoteView } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
import { clockText, spanText, timeText } from "../common/format.js";
import { pick, problemText, t } from "../common/i18n.js";
import { pointOf, shownIn, spent } from "../common/state.js";

const RESULT = 60; // seconds that the result of a vote stays on the screen
const LAST = 30; // seconds of a turn from which its clock is marked

/** The page's own seat. @param {PageState} state @returns {SeatView | null} */
export const mySeat = (state) => state.conference?.seats[state.self ?? ""] ?? null;

/** The page's place in the queue for the floor, from 1 on; 0 without a request. @param {PageState} state */
export const placeOf = (state) =>
  (state.conference?.queue.findIndex((request) => request.point === state.self) ?? -1) + 1;

/**
 * Whether this room turns the pages of a paper for everybody: it has the floor, is the chair, or is one
 * of the two in a desk call.
 * @param {PageState} state
 */
export const presents = ({ conference, self }) =>
  conference !== null && self !== null &&
  (conference.call !== null || conference.floor?.point === self || conference.chair === self);

/** @typedef {{camera: RoomStatus["camera_fault"], microphone: RoomStatus["microphone_fault"]}} Faults */

/** What is wrong with the room's devices, each by itself; "" for nothing. @param {Faults} faults */
const faultText = ({ camera, microphone }) =>
  [camera && t(`device.camera_${camera}`), microphone && t(`device.microphone_${microphone}`)].filter(Boolean).join(" ");

/**
 * What is wrong, in plain words, the worst first; or that nothing is.
 * @param {object} known
 * @param {Sentence | null} known.farewell  why the session is over
 * @param {string} known.link  status of the connection
 * @param {Problem | null} known.problem  what the bridge said against the connection
 * @param {string} known.refusal  what the bridge has just refused, as a sentence
 * @param {string} known.mediaLink  status of the media
 * @param {Faults} known.faults
 * @returns {[level: "good" | "warn" | "bad", text: string]}
 */
export function statusOf({ farewell, link, problem, refusal, mediaLink, faults }) {
  if (farewell) return ["bad", pick(farewell)];
  if (link === "wrong_key") return ["bad", problemText(problem) || t("room.error.wrong_key")];
  if (link === "busy") return ["bad", problemText(problem)];
  if (link === "down") return ["bad", t("room.status.reconnecting")];
  if (refusal) return ["bad", t("room.error.refused", { detail: refusal })];
  if (link === "connecting") return ["warn", t("room.status.connecting")];
  if (mediaLink !== "up") return ["warn", t("room.status.media")];
  const wrong = faultText(faults);
  if (wrong) return ["warn", wrong];
  return ["good", t("room.status.in_session")];
}

/**
 * What the stage says while there is no picture to show.
 * @param {PageState} state
 * @param {number} now  UTC seconds
 */
export function waitingText(state, now) {
  const { conference } = state;
  const seat = mySeat(state);
  if (!conference) {
    const next = state.upcoming[0];
    if (!next) return t("room.wait");
    return t("room.wait_next", {
      title: pick(next.title),
      at: timeText(next.start, state.zone, "day"),
      left: spanText(next.start - now),
    });
  }
  if (seat?.dropped) return t("room.dropped");
  if (seat && !seat.called) return t("room.invited", { title: pick(conference.title) });
  if (conference.phase === "open" && conference.start !== null && !shownIn(state, "programme")) {
    return t("room.trial", { left: spanText(conference.start - now) });
  }
  return "";
}

/**
 * The clock of the page's own turn: what is left of it, or used where it has no limit.
 * @param {Floor} floor
 * @param {number} now  UTC seconds
 */
export function turnOf(floor, now) {
  const used = spent(floor, now);
  if (floor.limit === null) return { text: clockText(used), late: false };
  const left = floor.limit - used;
  const text = left > 0 ? t("room.left", { left: clockText(left) }) : t("room.over");
  return { text, late: left <= LAST };
}

/**
 * The vote that is on the screen: the one that is open, or for a while the one that is over.
 * @param {PageState} state
 * @param {number} now  UTC seconds
 * @returns {VoteView | null}
 */
export function heldVote({ conference }, now) {
  const vote = conference?.votes.at(-1) ?? null;
  if (!vote || vote.closed_at === null) return vote;
  return now < vote.closed_at + RESULT ? vote : null;
}

/**
 * The layout to show. Without a shared screen there is nothing to put beside the speaker.
 * @param {ConferenceView | null} conference
 * @returns {Layout}
 */
export function layoutOf(conference) {
  if (!conference) return "speaker";
  const { layout, content } = conference;
  return layout === "content" && content === null ? "speaker" : layout;
}

/**
 * What stands over the stage of the room that everybody sees; "" for every other.
 * @param {PageState} state
 * @param {boolean} filmed  whether its camera gives a picture
 */
export function lampOf(state, filmed) {
  const { conference } = state;
  if (conference === null || conference.on_air !== state.self) return "";
  return t(filmed && !mySeat(state)?.camera_off ? "room.you_are_on_air" : "room.on_air_unseen");
}

/**
 * What the microphone does: what is wanted and what the bridge really hears of it are two things.
 * @param {SeatView} seat
 * @param {RoomStatus["microphone_fault"]} fault  of this room's microphone
 * @returns {[state: "open" | "wrong" | "opening" | "closed", text: string]}
 */
export function microphoneOf(seat, fault) {
  if (!seat.microphone) return ["closed", t(seat.locked ? "room.microphone_locked" : "room.microphone_closed")];
  if (seat.voice === "live" && !fault) return ["open", t("room.microphone_open")];
  if (seat.voice === "silent" && !fault) return ["wrong", t("room.microphone_silent")];
  return fault ? ["wrong", t("room.microphone_none")] : ["opening", t("room.microphone_opening")];
}

/** Who speaks to this room alone, or null. @param {PageState} state */
export const talkOf = ({ talks, self }) => talks[self ?? ""] ?? null;

/**
 * What stands over the picture while an operator speaks to this room, and whether the operator hears
 * it: a microphone is never said to be heard where it is not. Null: nobody does.
 * @param {PageState} state
 * @param {RoomStatus["microphone_fault"]} fault  of this room's microphone
 * @returns {{title: string, sound: "open" | "wrong" | "opening" | "closed", text: string} | null}
 */
export function talkText(state, fault) {
  const talk = talkOf(state);
  if (!talk) return null;
  const title = t("room.talk", { user: talk.user });
  if (talk.answer === "muted") return { title, sound: "closed", text: t("room.talk_muted") };
  if (fault) return { title, sound: "wrong", text: t("room.talk_none") };
  if (pointOf(state, state.self)?.observer) return { title, sound: "closed", text: t("room.talk_observer") };
  if (talk.answer === "live") return { title, sound: "open", text: t("room.talk_heard") };
  if (talk.answer === "silent") return { title, sound: "wrong", text: t("room.talk_silent") };
  return { title, sound: "opening", text: t("room.microphone_opening") };
}

/**
 * What the bar under the stage shows: the microphone's state and the buttons, null where one is
 * of no use now.
 * @param {PageState} state
 * @param {boolean} sharing  this page shares its screen
 * @param {RoomStatus["microphone_fault"]} [fault]  of the microphone
 */
export function barOf(state, sharing, fault = "") {
  const seat = mySeat(state);
  const { conference } = state;
  const inside = seat !== null && seat.present;
  const open = seat?.microphone ?? false;
  const place = placeOf(state);
  const speaking = conference?.floor?.point === state.self;
  const mayAsk = inside && !speaking && !pointOf(state, state.self)?.observer;
  const mayMute = inside && (seat.open || conference?.free_floor);
  const talk = talkText(state, fault);
  const [sound, microphone] = talk ? [talk.sound, talk.text] : inside ? microphoneOf(seat, fault) : ["closed", null];
  return {
    sound,
    microphone,
    ask: !mayAsk ? null : place ? t("room.withdraw", { place: String(place) }) : t("room.ask"),
    mute: mayMute ? t(open ? "room.mute" : "room.unmute") : null,
    accept: seat?.connect === "invitation" && !seat.called && !seat.dropped ? t("room.accept") : null,
    share: inside ? t(sharing ? "room.stop_share" : "room.share") : null,
  };
}
