// The row of buttons on the desk: one for each key of the table that has a button.

/** @import { PageState } from "../common/state.js" */
/** @import { Action } from "./keys.js" */
import { byId, make, makeText, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { KEYS, keyText } from "./keys.js";

/** @type {Map<Action, HTMLButtonElement>} */
const buttons = new Map();

/** Make the buttons, in the present language. @param {(action: Action) => void} perform */
export function buildBar(perform) {
  const bar = byId("bar");
  bar.replaceChildren();
  bar.setAttribute("aria-label", t("console.actions"));
  for (const binding of KEYS.filter((entry) => entry.button)) {
    const { action } = binding;
    const button = make("button", binding.danger ? "danger" : "", bar);
    button.dataset.action = action;
    makeText("span", "", t(`action.${action}`), button);
    button.append(" ");
    makeText("kbd", "", keyText(binding), button);
    button.addEventListener("click", () => perform(action));
    buttons.set(action, button);
  }
}

/**
 * Show what the buttons would do now.
 * @param {PageState} state
 * @param {string | null} selected  the point that the operator has chosen
 * @param {boolean} sharing  this page shares its screen
 */
export function renderBar(state, selected, sharing) {
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
  ];
  /** @type {[Action, string][]} */
  const labels = [
    ["layout", `${t("action.layout")}: ${t(`layout.${conference.layout}`)}`],
    ["mute", t(seat?.microphone ? "action.mute" : "action.unmute")],
    ["drop", t(seat?.dropped ? "action.recall" : "action.drop")],
  ];
  for (const [action, button] of buttons) {
    button.disabled = !state.mayDirect && action !== "help";
    button.hidden = action === "start" && conference.phase !== "open";
  }
  for (const [action, on] of pressed) buttons.get(action)?.setAttribute("aria-pressed", String(on));
  for (const [action, text] of labels) {
    const label = buttons.get(action)?.firstElementChild;
    if (label) setText(label, text);
  }
}
