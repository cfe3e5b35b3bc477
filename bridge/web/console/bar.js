// The buttons on the desk: one for each key of the table that has a button; what is rare is in a menu.

/** @import { PageState } from "../common/state.js" */
/** @import { Action } from "./keys.js" */
import { byId, make, makeText, setText } from "../common/dom.js";
import { directs } from "../common/state.js";
import { t } from "../common/i18n.js";
import { NEEDS_POINT } from "./actions.js";
import { KEYS, keyText } from "./keys.js";

/** Actions that are there for who only watches, too. @type {Action[]} */
const FOR_ALL = ["help", "details"];
/** Actions of every operator, whoever directs. @type {Action[]} */
const FOR_OPERATORS = ["take_over", "decision"];

/** @type {Map<Action, HTMLButtonElement>} */
const buttons = new Map();

/** Make the buttons, in the present language. @param {(action: Action) => void} perform */
export function buildBar(perform) {
  const bar = byId("bar");
  const menu = byId("more");
  bar.replaceChildren();
  menu.replaceChildren();
  bar.setAttribute("aria-label", t("console.actions"));
  for (const binding of KEYS) {
    if (!binding.button) continue;
    const { action, button: shape } = binding;
    const button = make("button", `${shape}${binding.danger ? " danger" : ""}`, shape === "menu" ? menu : bar);
    button.dataset.action = action;
    button.dataset.icon = binding.icon ?? "";
    button.setAttribute("aria-keyshortcuts", shortcutOf(binding));
    makeText("span", "text", t(`action.${action}`), button).dataset.key = keyText(binding);
    makeText("kbd", "", keyText(binding), button).setAttribute("aria-hidden", "true");
    button.addEventListener("click", (event) => {
      if (shape === "menu") menu.hidePopover();
      // After a click the keys are the desk's: Enter takes, it does not press the button again.
      if (event.detail > 0) button.blur();
      perform(action);
    });
    buttons.set(action, button);
  }
  const more = make("button", "small", bar);
  more.id = "more-button";
  more.dataset.icon = "more";
  more.popoverTargetElement = menu;
  makeText("span", "text", t("console.more"), more);
}

/** Keys as ARIA writes them. @param {import("./keys.js").Binding} binding */
function shortcutOf({ keys, shift, ctrl }) {
  const name = keys[0].length === 1 ? keys[0].toUpperCase() : keys[0];
  return `${ctrl ? "Control+" : ""}${shift ? "Shift+" : ""}${name}`;
}

/**
 * Show what the buttons would do now.
 * @param {PageState} state
 * @param {string | null} selected  the point that the operator has chosen
 * @param {boolean} sharing  this page shares its screen
 * @param {boolean} details  the panel of a point is open
 */
export function renderBar(state, selected, sharing, details) {
  const { conference } = state;
  if (!conference) return;
  const seat = conference.seats[selected ?? ""];
  /** @type {[Action, boolean][]} */
  const pressed = [
    ["lock", conference.closed],
    ["share", sharing],
    ["roll_call", conference.roll_call !== null],
    ["camera", seat?.camera_off ?? false],
    ["lock_microphone", seat?.locked ?? false],
    ["details", details],
  ];
  /** @type {[Action, string][]} */
  const labels = [
    ["layout", `${t("action.layout")}: ${t(`layout.${conference.layout}`)}`],
    ["mute", t(seat?.microphone ? "action.mute" : "action.unmute")],
    ["drop", t(seat?.dropped ? "action.recall" : "action.drop")],
    ["record", t(conference.record === "off" ? "action.record" : "action.stop_recording")],
    ["pause_recording", t(conference.record === "paused" ? "action.resume_recording" : "action.pause_recording")],
  ];
  const mine = directs(state);
  for (const [action, button] of buttons) {
    const needs = NEEDS_POINT.includes(action) && !seat;
    const may = FOR_OPERATORS.includes(action) ? state.mayDirect : mine && !needs;
    button.disabled = !FOR_ALL.includes(action) && !may;
    if (action === "start") button.hidden = conference.phase !== "open";
    if (action === "take_over") button.hidden = mine;
    if (action === "decision") button.hidden = conference.phase !== "live";
    if (action === "record") button.hidden = conference.recording === "forbidden";
    if (action === "pause_recording") button.hidden = conference.record === "off";
  }
  for (const [action, on] of pressed) buttons.get(action)?.setAttribute("aria-pressed", String(on));
  for (const [action, text] of labels) {
    const label = buttons.get(action)?.querySelector(".text");
    if (label) setText(label, text);
  }
  const mute = buttons.get("mute");
  if (mute) mute.dataset.icon = seat?.microphone ? "muted" : "microphone";
}
