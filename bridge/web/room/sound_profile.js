// How the browser treats a room's sound: by the kind of place, from the topology or chosen here. Pure.

/** @typedef {"room" | "hall" | "codec"} Profile */

/** @type {Profile[]} */
export const PROFILES = ["room", "hall", "codec"];

/**
 * The profile in use: what was chosen on this computer, else what the topology says.
 * @param {string | null} chosen
 * @param {string} told
 * @returns {Profile}
 */
export const profileOf = (chosen, told) =>
  PROFILES.find((profile) => profile === chosen) ?? PROFILES.find((profile) => profile === told) ?? "room";

/**
 * What to ask the browser for. A room's own echo is taken out here. A hall's mixer does that itself,
 * and a second canceller would cut words; a codec sends what others have made, both channels of it.
 * @param {Profile} profile
 */
export function treatmentOf(profile) {
  const on = profile === "room";
  const treatment = { echoCancellation: on, noiseSuppression: on, autoGainControl: on };
  return profile === "codec" ? { ...treatment, channelCount: { ideal: 2 } } : treatment;
}
