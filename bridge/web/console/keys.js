// The table of the console's keys. The key handler, the buttons, the menu, the help and the list in
// the operator's guides are all made from it. Pure.

/**
 * @typedef {"desk" | "lobby" | "choosing"} Place  what the console shows: a conference, those to start,
 *   or the points of an ad-hoc meeting
 * @typedef {"wide" | "small" | "menu"} Shape  of the button: with its text, with its icon alone
 *   (the text is shown on hover and focus), or a line of the menu
 *
 * @typedef {object} Binding
 * @property {string} action  named in the catalogue: action.NAME on buttons, shortcut.NAME in the help
 * @property {string[]} keys  as KeyboardEvent.key has them, letters in lower case
 * @property {string[]} [codes]  places on the keyboard (KeyboardEvent.code), for what is another sign
 *   with Shift on every keyboard; they are heard where nothing in the table has that sign
 * @property {Place[]} places  where they are heard
 * @property {boolean} [shift]
 * @property {boolean} [ctrl]
 * @property {boolean} [always]  heard also while somebody types
 * @property {Shape} [button]  the desk has a button for it, in the order of the table
 * @property {string} [icon]  of that button
 * @property {boolean} [danger]  that button is red
 * @property {string} [text]  what the help calls the keys
 */

/** The keys of the points, in their order. */
export const POINT_KEYS = [..."1234567890-="];

const BINDINGS = /** @type {const} @satisfies {Binding[]} */ ([
  { action: "preview", keys: [...POINT_KEYS], places: ["desk"], text: "1 … 9 0 - =" },
  { action: "preset", keys: [], codes: [..."123456789"].map((digit) => `Digit${digit}`), shift: true, places: ["desk"], text: "1 … 9" },
  { action: "talk", keys: [" "], places: ["desk"], text: "␣" },
  { action: "choose_previous", keys: ["ArrowUp"], places: ["lobby"], text: "↑" },
  { action: "choose_next", keys: ["ArrowDown"], places: ["lobby"], text: "↓" },
  { action: "ad_hoc", keys: ["a"], places: ["lobby"] },
  { action: "choose_point", keys: [...POINT_KEYS], places: ["choosing"], text: "1 … 9 0 - =" },
  { action: "start_chosen", keys: ["s", "Enter"], places: ["choosing"] },
  { action: "start", keys: ["s"], places: ["desk", "lobby"], button: "wide", icon: "live" },
  { action: "take", keys: ["Enter"], places: ["desk"], button: "wide", icon: "take" },
  { action: "back", keys: ["Backspace"], places: ["desk"], button: "wide", icon: "back", text: "⌫" },
  { action: "return", keys: ["r"], places: ["desk"], button: "wide", icon: "chair" },
  { action: "floor", keys: ["f"], places: ["desk"], button: "wide", icon: "hand" },
  { action: "next", keys: ["n"], places: ["desk"], button: "small", icon: "next" },
  { action: "floor_selected", keys: ["g"], places: ["desk"], button: "small", icon: "invite" },
  { action: "mute", keys: ["m"], places: ["desk"], button: "small", icon: "microphone" },
  { action: "lock_microphone", keys: ["k"], places: ["desk"], button: "small", icon: "locked" },
  { action: "mute_all", keys: ["m"], shift: true, places: ["desk"], button: "small", icon: "mute-all" },
  { action: "camera", keys: ["c"], places: ["desk"], button: "small", icon: "camera-off" },
  { action: "next_item", keys: ["i"], places: ["desk"], button: "small", icon: "list" },
  { action: "details", keys: ["o"], places: ["desk"], button: "small", icon: "details" },
  { action: "layout", keys: ["l"], places: ["desk"], button: "small", icon: "layout" },
  { action: "share", keys: ["x"], places: ["desk"], button: "small", icon: "share" },
  { action: "film", keys: ["h"], places: ["desk"], button: "menu", icon: "share" },
  { action: "banner", keys: ["b"], places: ["desk"], button: "small", icon: "banner" },
  { action: "papers", keys: ["p"], places: ["desk"], button: "small", icon: "list" },
  { action: "page_back", keys: ["PageUp"], places: ["desk"] },
  { action: "page_on", keys: ["PageDown"], places: ["desk"] },
  { action: "decision", keys: ["y"], places: ["desk"], button: "menu", icon: "details" },
  { action: "vote", keys: ["v"], places: ["desk"], button: "menu", icon: "ready" },
  { action: "persons", keys: ["a"], places: ["desk"], button: "menu", icon: "person" },
  { action: "agenda", keys: ["a"], shift: true, places: ["desk"], button: "menu", icon: "list" },
  { action: "roll_call", keys: ["t"], places: ["desk"], button: "menu", icon: "list" },
  { action: "drop", keys: ["d"], places: ["desk"], button: "menu", icon: "drop" },
  { action: "lock", keys: ["l"], shift: true, places: ["desk"], button: "menu", icon: "locked" },
  { action: "record", keys: ["w"], shift: true, places: ["desk"], button: "menu", icon: "live" },
  { action: "pause_recording", keys: ["p"], shift: true, places: ["desk"], button: "menu", icon: "no-record" },
  { action: "audience", keys: ["v"], shift: true, places: ["desk"], button: "menu", icon: "person" },
  { action: "extend", keys: ["e"], shift: true, places: ["desk"], button: "menu", icon: "extend" },
  { action: "take_over", keys: ["t"], shift: true, places: ["desk"], button: "menu", icon: "take-over" },
  { action: "end", keys: ["e"], places: ["desk"], button: "menu", icon: "end", danger: true },
  { action: "help", keys: ["?"], places: ["desk", "lobby", "choosing"], button: "menu", icon: "help" },
  { action: "typed", keys: ["k"], ctrl: true, always: true, places: ["desk", "lobby"] },
  { action: "leave", keys: ["Escape"], always: true, places: ["desk", "lobby", "choosing"], text: "Esc" },
]);

/** @typedef {(typeof BINDINGS)[number]["action"]} Action */

/** The whole table. @type {readonly (Binding & {action: Action})[]} */
export const KEYS = BINDINGS;

/** How the keys of a binding are written, as "⇧M". @param {Binding} binding */
export function keyText({ keys, shift, ctrl, text }) {
  const [key] = keys;
  const name = text ?? (key.length === 1 ? key.toUpperCase() : key);
  return `${ctrl ? "Ctrl+" : ""}${shift ? "⇧" : ""}${name}`;
}

/**
 * The action of a key press, and which of the action's keys it was; null where it is none.
 * @param {{key: string, code: string, shiftKey: boolean, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @param {Place} place
 * @returns {{action: Action, index: number, always: boolean} | null}
 */
export function actionOf(event, place) {
  if (event.altKey || event.metaKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Digits and signs may need Shift, which depends on the keyboard.
  const exact = /^([a-z]|\w{2,})$/.test(key);
  for (const { action, keys, places, shift = false, ctrl = false, always = false } of KEYS) {
    const index = keys.indexOf(key);
    if (index < 0 || !places.includes(place) || ctrl !== event.ctrlKey) continue;
    if (!exact || shift === event.shiftKey) return { action, index, always };
  }
  for (const { action, codes = [], places, shift = false, ctrl = false, always = false } of KEYS) {
    const index = codes.indexOf(event.code);
    if (index < 0 || !places.includes(place) || ctrl !== event.ctrlKey) continue;
    if (shift === event.shiftKey) return { action, index, always };
  }
  return null;
}
