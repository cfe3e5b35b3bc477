// The keys of the console, as a table. Pure.

const POINTS = "1234567890-=";

/** @type {Record<string, string>} key (Shift in front where held) → action */
const ACTIONS = {
  Enter: "take",
  r: "return",
  m: "mute",
  "Shift m": "mute_all",
  f: "floor",
  g: "floor_selected",
  n: "next",
  k: "lock_microphone",
  c: "camera",
  l: "layout",
  x: "share",
  t: "roll_call",
  d: "drop",
  "Shift l": "lock",
  "Shift e": "extend",
  b: "banner",
  s: "start",
  e: "end",
  "?": "help",
};

/** What the help shows. @type {[string, string][]} */
export const KEYS = [
  ["1 … 9 0 - =", "preview"],
  ...Object.entries(ACTIONS).map(
    ([key, action]) => /** @type {[string, string]} */ ([key.replace("Shift ", "⇧").toUpperCase(), action]),
  ),
  ["CTRL K", "typed"],
];

/**
 * @param {{key: string, shiftKey: boolean}} event
 * @returns {{name: string, point?: number} | null}
 */
export function actionOf(event) {
  const point = POINTS.indexOf(event.key);
  if (point >= 0 && event.key.length === 1) return { name: "preview", point };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "?") return { name: "help" };
  const name = ACTIONS[event.shiftKey ? `Shift ${key}` : key];
  return name ? { name } : null;
}
