// The keyboard: presses become actions of the desk or the lobby.

/** @import { Desk } from "./desk.js" */
/** @import { Lobby } from "./lobby.js" */
import { byId, keyTarget } from "../common/dom.js";
import { actionOf } from "./keys.js";

/** Milliseconds after which the space key on a tile is held; let go before, it opens the tile's point. */
const HELD = 300;
/** @type {number | undefined} */
let held;

/** @param {Desk} desk @param {Lobby} lobby */
export function startKeyboard(desk, lobby) {
  document.addEventListener("keydown", (event) => pressed(event, desk, lobby));
  document.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    window.clearTimeout(held);
    if (!desk.talkback.held) return;
    event.preventDefault(); // a tile that has the focus is not pressed besides
    desk.talkback.end();
  });
}

/** Give the keys back to the desk, from wherever the focus was. */
export function toDesk() {
  byId("console").focus({ preventScroll: true });
}

/** @param {KeyboardEvent} event @param {Desk} desk @param {Lobby} lobby */
function pressed(event, desk, lobby) {
  // An input method is still composing, a dialog is open, or a key is held: twelve takes are not one.
  const target = keyTarget(event);
  if (event.isComposing || event.repeat || event.defaultPrevented || !target) return;
  // Enter and Space on a focused button press that button; on a tile Enter takes, and Space held speaks to it.
  if ([" ", "Enter"].includes(event.key) && target.matches("button:not(.cell), a, summary, select, video")) return;
  if (event.key === " " && !lobby.open && target.matches(".cell[data-point]")) {
    const { point } = target.dataset;
    held = window.setTimeout(() => point && desk.talkback.begin(point), HELD);
    return;
  }
  const found = actionOf(event, !lobby.open ? "desk" : lobby.adHoc.open ? "choosing" : "lobby");
  if (!found || (target.matches("input, textarea, select") && !found.always)) return;
  if (found.action === "leave") {
    if (lobby.open && lobby.adHoc.open) lobby.adHoc.hide();
    else desk.leave();
    return; // the browser closes menus and searches by the same key
  }
  event.preventDefault();
  if (found.action === "choose_next") lobby.choose(1);
  else if (found.action === "choose_previous") lobby.choose(-1);
  else if (found.action === "ad_hoc") lobby.adHoc.show();
  else if (found.action === "choose_point") lobby.adHoc.pressed(found.index);
  else if (found.action === "start_chosen") lobby.adHoc.start();
  else if (found.action === "talk") desk.talkback.pressed();
  else if (found.action === "preset") desk.presets.called(found.index + 1);
  else if (found.action === "preview") {
    const point = desk.client.state.points[found.index];
    if (point) desk.select(point.id);
  } else desk.perform(found.action);
}
