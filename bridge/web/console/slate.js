// What stands in a picture's place while there is none: a name and why. Pure but for the catalogue.

/** @import { PageState } from "../common/state.js" */
import { pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";

/**
 * Why a picture that is wanted of a point is not there; "" where it is.
 * @param {PageState} state
 * @param {string | null} point
 * @param {string | null} shown  whose picture there is
 */
export function slateOf(state, point, shown) {
  if (point === null || shown === point) return "";
  const seat = state.conference?.seats[point];
  const name = pick(pointOf(state, point)?.name);
  return `${name}\n${seat?.camera_off ? t("slate.off") : whyNot(state, point)}`;
}

/** @param {PageState} state @param {string} point */
function whyNot(state, point) {
  const presence = state.presence[point] ?? "offline";
  if (presence !== "in_session") return pick(state.conference?.seats[point]?.problem) || t(`state.${presence}`);
  const room = state.rooms[point];
  return t(room && !room.camera ? "slate.no_camera" : "slate.waiting");
}
