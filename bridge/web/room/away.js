// What the room says over its whole stage when it is cut off: what has happened, and what comes next.
// Pure but for the catalogue.

/** @import { Problem, Sentence } from "../types/protocol.js" */
import { pick, problemText, t } from "../common/i18n.js";

export const MEDIA_LIMIT = 2.5; // seconds without media, while the bridge answers, until that is said

/**
 * @typedef {object} Known
 * @property {Sentence | null} farewell  why the session is over
 * @property {string} link  status of the connection
 * @property {Problem | null} problem  what the bridge said against it
 * @property {string} cause  why it was lost, as far as can be told
 * @property {boolean} quiet  nothing was heard for longer than the bridge is ever silent
 * @property {boolean} cable  whether the computer has a network at all
 * @property {boolean} worker  whether the bridge has what forwards picture and sound
 * @property {number} mediaDown  seconds that there has been no media; 0 where there is
 * @property {string} blocked  what to try where connections for media fail again and again (key); or ""
 * @property {string} contact  whom to call
 */

/**
 * The sentences over the stage, or null where the room is not cut off. `kind` is the case.
 * @param {Known} known
 * @returns {{kind: string, title: string, next: string} | null}
 */
export function awayOf(known) {
  const { farewell, link, problem, contact } = known;
  const call = contact ? ` ${t("away.call", { contact })}` : "";
  /** @param {string} kind @param {string} [title] */
  const say = (kind, title = "") => ({ kind, title: title || t(`away.${kind}`), next: t(`away.${kind}_next`) + call });
  if (farewell) return say("ended", pick(farewell));
  if (link === "busy") return say("elsewhere");
  if (link === "wrong_key") return say("refused", problemText(problem) || t("room.error.wrong_key"));
  if (link === "down" || (link === "connecting" && known.cause)) return say(lostBy(known));
  if (link === "up" && known.quiet) return say(known.cable ? "line" : "cable");
  if (link !== "up") return null;
  if (!known.worker) return say("worker");
  if (known.mediaDown < MEDIA_LIMIT) return null;
  return known.blocked ? { ...say("media"), kind: "blocked", next: t(known.blocked) + call } : say("media");
}

/** @param {Known} known */
function lostBy({ cable, cause }) {
  if (!cable) return "cable";
  return cause === "" ? "unreachable" : cause;
}
