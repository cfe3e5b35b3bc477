// Why a picture that is wanted is not there. Pure but for the catalogue.

/** @import { PageState } from "./state.js" */
import { pick, t } from "./i18n.js";

/**
 * The sentence of a slate that stands in the place of a point's picture.
 * @param {PageState} state
 * @param {string} point
 */
export function whyNoPicture(state, point) {
  const seat = state.conference?.seats[point];
  const presence = state.presence[point] ?? "offline";
  if (seat?.camera_off) return t("slate.off");
  if (presence !== "in_session") return pick(seat?.problem) || t(`state.${presence}`);
  const room = state.rooms[point]; // only consoles are told of rooms
  if (room && !room.camera) return t("slate.no_camera");
  return t(seat?.picture ? "slate.waiting" : "slate.no_picture");
}
