// The table of the console's keys. The key handler, the row of buttons, the help and the list in
// the operator's guides are all made from it. Pure.

/**
 * @typedef {"desk" | "lobby"} Place  what the console shows: a conference, or those to start
 *
 * @typedef {object} Binding
 * @property {string} action  named in the catalogue: action.NAME on buttons, shortcut.NAME in the help
 * @property {string[]} keys  as KeyboardEvent.key has them, letters in lower case
 * @property {Place[]} places  where they are heard
 * @property {boolean} [shift]
 * @property {boolean} [ctrl]  heard also while somebody types
 * @property {boolean} [button]  the desk has a button for it, in the order of the table
 * @property {boolean} [danger]  that button is red
 * @property {string} [text]  what the help calls the keys
 */

/** The keys of the points, in their order. */
export const POINT_KEYS = [..."1234567890-="];

const BINDINGS = /** @type {const} @satisfies {Binding[]} */ ([
  { action: "preview", keys: [...POINT_KEYS], places: ["desk"], text: "1 … 9 0 - =" },
  { action: "choose_previous", keys: ["ArrowUp"], places: ["lobby"], text: "↑" },
  { action: "choose_next", keys: ["ArrowDown"], places: ["lobby"], text: "↓" },
  { action: "start", keys: ["s"], places: ["desk", "lobby"], button: true },
  { action: "take", keys: ["Enter"], places: ["desk"], button: true },
  { action: "return", keys: ["r"], places: ["desk"], button: true },
  { action: "floor", keys: ["f"], places: ["desk"], button: true },
  { action: "floor_selected", keys: ["g"], places: ["desk"], button: true },
  { action: "next", keys: ["n"], places: ["desk"], button: true },
  { action: "mute", keys: ["m"], places: ["desk"], button: true },
  { action: "mute_all", keys: ["m"], shift: true, places: ["desk"], button: true },
  { action: "lock_microphone", keys: ["k"], places: ["desk"], button: true },
  { action: "camera", keys: ["c"], places: ["desk"], button: true },
  { action: "layout", keys: ["l"], places: ["desk"], button: true },
  { action: "share", keys: ["x"], places: ["desk"], button: true },
  { action: "roll_call", keys: ["t"], places: ["desk"], button: true },
  { action: "drop", keys: ["d"], places: ["desk"], button: true },
  { action: "lock", keys: ["l"], shift: true, places: ["desk"], button: true },
  { action: "extend", keys: ["e"], shift: true, places: ["desk"], button: true },
  { action: "banner", keys: ["b"], places: ["desk"], button: true },
  { action: "end", keys: ["e"], places: ["desk"], button: true, danger: true },
  { action: "help", keys: ["?"], places: ["desk"], button: true },
  { action: "typed", keys: ["k"], ctrl: true, places: ["desk", "lobby"] },
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
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @param {Place} place
 * @returns {{action: Action, index: number} | null}
 */
export function actionOf(event, place) {
  if (event.altKey || event.metaKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Digits and signs may need Shift, which depends on the keyboard.
  const exact = /^([a-z]|\w{2,})$/.test(key);
  for (const { action, keys, places, shift = false, ctrl = false } of KEYS) {
    const index = keys.indexOf(key);
    if (index < 0 || !places.includes(place) || ctrl !== event.ctrlKey) continue;
    if (!exact || shift === event.shiftKey) return { action, index };
  }
  return null;
}
