// What the page of a viewer says, and what it does next. Pure but for the catalogue.

/** @import { WatchView } from "../types/protocol.js" */
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { resultText } from "../common/vote.js";

/**
 * What to do with what there is to see: watch it, ask for a code or a login, or wait and look again
 * after so many seconds.
 * @typedef {"watch" | "code" | "login" | "wait"} Next
 */

/**
 * @param {WatchView} view
 * @returns {Next}
 */
export function nextOf(view) {
  if (view.phase === "ended") return "wait";
  if (!view.admitted && view.admits === "code") return "code";
  if (!view.admitted && view.admits === "accounts") return "login";
  return view.phase === "live" && view.admitted ? "watch" : "wait";
}

/** Seconds until there may be something new: soon before a meeting begins. @param {WatchView | null} view */
export const patience = (view) => (view === null ? 15 : view.phase === "open" || view.phase === "live" ? 3 : 10);

/**
 * What was found, together with why this page watches no longer, as long as that is what people have
 * to know: looking again must not take it away.
 * @param {WatchView | null} before
 * @param {WatchView} found
 * @returns {WatchView}
 */
export function carried(before, found) {
  const why = before?.why ?? "";
  const stays = why === "code" ? found.admits === "code" && !found.admitted : why === "ended" && (found.phase === "planned" || found.phase === "ended");
  return stays ? { ...found, why } : found;
}

/**
 * The sentence of the slate.
 * @param {WatchView} view
 * @param {string} zone
 * @param {boolean} [delayed]  it is watched over HTTP
 */
export function slateText(view, zone, delayed = false) {
  if (view.why === "ended" && view.phase === "planned" && view.start !== null) {
    return `${t("watch.ended")} ${t("watch.next", { at: timeText(view.start, zone, "day") })}`;
  }
  if (view.why && view.why !== "lost" && view.why !== "worker" && view.why !== "replaced") return t(`watch.${view.why}`);
  if (view.phase === "ended") return t("watch.ended");
  if (!view.admitted && view.admits !== "anybody" && view.admits !== "nobody") return t(`watch.needs_${view.admits}`);
  if (view.phase === "live") return t(delayed ? "watch.beginning" : "watch.connecting");
  if (view.start === null) return t("watch.planned_soon");
  return t("watch.planned", { at: timeText(view.start, zone, "day") });
}

/** Who is seen, and whether they were given the floor. @param {WatchView} view */
export function speakerText({ speaker, floor }) {
  if (!speaker) return "";
  return t(floor ? "watch.speaks" : "watch.on_air", { name: pick(speaker) });
}

/**
 * How late picture and sound are, and why; "" where they are not.
 * @param {boolean} delayed  over HTTP
 * @param {boolean} fell  because nothing came by UDP
 */
export function noteText(delayed, fell) {
  if (!delayed) return "";
  return t(fell ? "watch.fallen_back" : "watch.delayed");
}

/**
 * Why there is no picture, "" where there is one.
 * @param {WatchView} view
 * @param {boolean} chosen  whoever watches wants sound alone
 */
export function thinText(view, chosen) {
  if (chosen) return t("watch.chosen_sound_only");
  return view.sound_only ? t("watch.sound_only") : "";
}

/** The last vote: that it runs, or what it came to. @param {Pick<WatchView, "vote">} view */
export function voteText({ vote }) {
  if (!vote || vote.stage === "cancelled") return "";
  if (!vote.result) return t("vote.question", { title: vote.title });
  return `${t("vote.over", { title: vote.title })} · ${resultText(vote, vote.result)}`;
}
