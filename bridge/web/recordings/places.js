// Where an instant of a conference is found in its recording. Pure.

/** @import { RecordingPart } from "../types/protocol.js" */

/**
 * Seconds of the file for an instant (UTC seconds); what happened while nothing was written is found
 * where the recording goes on, and what came after its end nowhere (null).
 * @param {readonly RecordingPart[]} parts
 * @param {number} at
 */
export function placeOf(parts, at) {
  for (const part of parts) {
    if (at < part.at + part.seconds) return part.offset + Math.max(0, at - part.at);
  }
  return null;
}

/**
 * The last of the places (seconds of the file, rising) that has been reached; -1 for none.
 * @param {readonly number[]} places
 * @param {number} time
 */
export function reached(places, time) {
  return places.findLastIndex((place) => place <= time + 0.05);
}

/**
 * The instant (UTC seconds) of a place in the file.
 * @param {readonly RecordingPart[]} parts
 * @param {number} place
 */
export function instantOf(parts, place) {
  const part = parts.findLast(({ offset }) => offset <= place) ?? parts[0];
  return part ? part.at + place - part.offset : 0;
}
