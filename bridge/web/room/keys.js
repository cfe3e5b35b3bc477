// The keys of the room page, which a USB button may send. Pure.

const ASK = ["f", " ", "Enter", "F9"];
const MUTE = ["m", "M"];
/** Presenters' remote controls send the first of each. @type {Record<string, "next" | "previous" | "follow">} */
const TURNS = { PageDown: "next", ArrowRight: "next", PageUp: "previous", ArrowLeft: "previous", Home: "follow" };

/**
 * What a key asks for, or null.
 * @param {string} key  as KeyboardEvent.key
 * @returns {"ask" | "mute" | null}
 */
export function actionOf(key) {
  if (ASK.includes(key)) return "ask";
  return MUTE.includes(key) ? "mute" : null;
}

/**
 * What a key chooses in a vote, or null: the number on the button.
 * @param {string} key  as KeyboardEvent.key
 * @param {readonly string[]} choices
 */
export const choiceOfKey = (key, choices) => (/^[1-9]$/.test(key) && choices[Number(key) - 1]) || null;

/**
 * What a key does with a paper, or null: leaf, or back to the page that everybody is shown.
 * @param {string} key  as KeyboardEvent.key
 */
export const turnOfKey = (key) => TURNS[key] ?? null;
