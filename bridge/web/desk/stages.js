// How a desk call stands for one of its pages, worked out of the state. Pure.

/** @import { PageState } from "../common/state.js" */

/**
 * idle: no call; calling: somebody is rung for this desk; missed: who was rung did not answer;
 * rung: this page rings; talk: both talk; handing: both talk, and another officer is rung.
 * @typedef {"idle" | "calling" | "missed" | "rung" | "talk" | "handing"} Stage
 */

/** @param {PageState} state @returns {Stage} */
export function stageOf({ conference, self }) {
  const call = conference?.call?.call;
  if (!call) return "idle";
  if (call.ringing === self) return "rung";
  if (call.officer !== null) return call.ringing === null ? "talk" : "handing";
  return call.ringing === null ? "missed" : "calling";
}

/** Who is at the other end, or will be. @param {PageState} state @returns {string | null} */
export function otherOf({ conference, self }) {
  const shown = conference?.call;
  if (!shown) return null;
  if (shown.desk !== self) return shown.desk;
  return shown.call.officer ?? shown.call.ringing ?? shown.call.missed;
}

/**
 * Seconds that an officer is rung yet, at least 0.
 * @param {PageState} state
 * @param {number} now  UTC seconds
 */
export function ringingFor({ conference }, now) {
  const shown = conference?.call;
  return shown ? Math.max(0, Math.ceil(shown.call.rung_at + shown.ring_seconds - now)) : 0;
}

/** Seconds of the talk so far. @param {PageState} state @param {number} now  UTC seconds */
export const talkedFor = ({ conference }, now) =>
  conference?.started_at ? Math.max(0, now - conference.started_at) : 0;
