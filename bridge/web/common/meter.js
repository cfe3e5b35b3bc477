// Level meters with a scale, from the audio levels that the bridge tells (RFC 6464, -dBov).

import { make, makeText } from "./dom.js";

const FLOOR = 60; // dB below full scale at the left end

/** Places of the scale, dB below full scale. */
export const TICKS = [50, 40, 30, 20, 10];

/**
 * Where a level stands on the scale, 0–1; nothing is heard at 0. Pure.
 * @param {number | undefined} level  dB below full scale; 127 is silence
 */
export const position = (level) =>
  level === undefined ? 0 : Math.min(1, Math.max(0, (FLOOR - level) / FLOOR));

/** A meter without sound. @param {Element} parent @param {boolean} numbered  with the scale in figures */
export function makeMeter(parent, numbered) {
  const meter = make("div", numbered ? "meter numbered" : "meter", parent);
  meter.setAttribute("aria-hidden", "true");
  make("div", "cover", make("div", "track", meter));
  if (numbered) {
    const scale = make("div", "scale", meter);
    for (const tick of TICKS) makeText("span", "", `−${tick}`, scale);
  }
  return meter;
}

/** Show a level. @param {HTMLElement} meter @param {number | undefined} level */
export function setMeter(meter, level) {
  const cover = meter.querySelector(".cover");
  if (cover instanceof HTMLElement) cover.style.transform = `scaleX(${1 - position(level)})`;
}
