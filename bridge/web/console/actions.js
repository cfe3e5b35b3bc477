// What an action of the table of keys means now, as a command to the conference. Pure.

/** @import { Asked, Layout } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
/** @import { Action } from "./keys.js" */

/** Layouts in the order in which one key goes through them. @type {Layout[]} */
export const LAYOUTS = ["speaker", "alone", "grid", "content"];
const ROLL_CALL = 20; // seconds a point
const EXTENSION = 15; // minutes

/** Actions that want a point to be selected. @type {Action[]} */
export const NEEDS_POINT = ["floor_selected", "mute", "lock_microphone", "camera", "drop"];

/**
 * The point that is meant where no other is named: as at a vision mixer the one that is prepared, so
 * that nothing moves on air by accident; where none is, the one that was chosen.
 * @param {PageState} state
 * @param {string | null} selected
 */
export const aimedAt = ({ conference }, selected) => conference?.preview ?? selected;

/**
 * The command of an action, or null where an action is no single command.
 * @param {Action} action
 * @param {PageState} state
 * @param {string | null} point  selected
 * @returns {Asked | null}
 */
export function commandOf(action, { conference }, point) {
  if (point === null && NEEDS_POINT.includes(action)) return null;
  const selected = point ?? "";
  const seat = conference?.seats[selected];
  switch (action) {
    case "preview":
      return { type: "preview", point };
    case "take":
    case "back":
    case "return":
    case "next":
    case "next_item":
      return { type: action };
    case "floor":
      return { type: "grant" };
    case "floor_selected":
      return { type: "grant", point: selected };
    case "mute":
      return { type: seat?.microphone ? "mute" : "unmute", point: selected };
    case "lock_microphone":
      if (seat?.locked) return { type: "unmute", point: selected };
      return { type: "mute", point: selected, lock: true };
    case "mute_all":
      return { type: "mute_all", but: "speaker" };
    case "camera":
      return { type: "camera", point: selected, off: !seat?.camera_off };
    case "drop":
      return { type: seat?.dropped ? "recall" : "drop", point: selected };
    case "roll_call":
      if (conference?.roll_call) return { type: "stop_roll_call" };
      return { type: "roll_call", seconds: ROLL_CALL };
    case "record":
      return { type: conference?.record === "off" ? "record" : "stop_recording" };
    case "pause_recording":
      return { type: conference?.record === "paused" ? "record" : "pause_recording" };
    case "lock":
      return { type: "lock", locked: !conference?.closed };
    case "extend":
      return { type: "extend", minutes: EXTENSION };
    case "start":
    case "end":
      return { type: action };
    default:
      return null;
  }
}

/**
 * The layout after another. @param {Layout} layout
 */
export const layoutAfter = (layout) => LAYOUTS[(LAYOUTS.indexOf(layout) + 1) % LAYOUTS.length];
