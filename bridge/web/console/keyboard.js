// The keyboard: presses become actions of the desk or the lobby, and the command line is read.

/** @import { Desk } from "./desk.js" */
/** @import { Lobby } from "./lobby.js" */
/** @import { Orders } from "./orders.js" */
import { byId, elementOf } from "../common/dom.js";
import { actionOf } from "./keys.js";

/** @param {Desk} desk @param {Lobby} lobby @param {Orders} orders */
export function startKeyboard(desk, lobby, orders) {
  document.addEventListener("keydown", (event) => pressed(event, desk, lobby));
  byId("typed").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(desk, orders);
  });
}

/** @param {KeyboardEvent} event @param {Desk} desk @param {Lobby} lobby */
function pressed(event, desk, lobby) {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.matches("input, textarea, select") || document.querySelector("dialog[open]");
  if (event.key === "Escape" && target.id === "line") target.blur();
  // Enter on a focused button presses that button, on a tile it takes.
  if (event.key === "Enter" && target.matches("button:not(.tile), a")) return;
  const found = actionOf(event, lobby.open ? "lobby" : "desk");
  if (!found || (typing && found.action !== "typed")) return;
  event.preventDefault();
  if (found.action === "choose_next") lobby.choose(1);
  else if (found.action === "choose_previous") lobby.choose(-1);
  else if (found.action === "preview") {
    const point = desk.client.state.points[found.index];
    if (point) desk.select(point.id);
  } else desk.perform(found.action);
}

/** Do what the command line says. @param {Desk} desk @param {Orders} orders */
async function submit(desk, orders) {
  const line = elementOf("line", HTMLInputElement);
  const text = line.value.trim();
  if (text === "?") {
    line.value = "";
    desk.perform("help");
  } else if (text.toLowerCase() === "end") {
    line.value = "";
    line.blur();
    desk.perform("end"); // ending asks, however it is said
  } else if (await orders.typed(line.value)) {
    line.value = "";
  }
}
