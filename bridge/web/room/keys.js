// The keys of the room page, which a USB button may send. Pure.

const ASK = ["f", " ", "Enter", "F9"];
const MUTE = ["m", "M"];

/**
 * What a key asks for, or null.
 * @param {string} key  as KeyboardEvent.key
 * @returns {"ask" | "mute" | null}
 */
export function actionOf(key) {
  if (ASK.includes(key)) return "ask";
  return MUTE.includes(key) ? "mute" : null;
}
