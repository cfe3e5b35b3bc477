// How long nothing was heard, counted in looks of our own. A page whose timers come late (a tab in the
// background, a busy computer, one that slept) has missed that time itself: what arrived meanwhile
// still waits to be read, and nobody was silent. Pure; time is passed in.

const LATEST = 2; // times the interval: what one look counts at most
const PARTS = 4; // of a long wait; lateness eats one of them

/** Counts silence between the things that are heard. */
export class Vigil {
  /** @param {number} every  seconds between two looks @param {number} now  seconds */
  constructor(every, now) {
    this.every = every;
    this.looked = now;
    /** Seconds of silence, as far as somebody looked. */
    this.silence = 0;
  }

  /** Something was heard. @param {number} now */
  heard(now) {
    this.looked = now;
    this.silence = 0;
  }

  /** Look; one that comes late counts as if it came nearly in time. @param {number} now */
  look(now) {
    this.silence += Math.min(Math.max(0, now - this.looked), LATEST * this.every);
    this.looked = now;
    return this.silence;
  }
}

/**
 * @typedef {object} Timers
 * @property {(work: () => void, seconds: number) => number} later  starts a timer
 * @property {(timer: number) => void} cancel
 */

/** Those of the browser. @type {Timers} */
export const timers = {
  later: (work, seconds) => setTimeout(work, seconds * 1000),
  cancel: (timer) => clearTimeout(timer),
};

/**
 * Do something after so many seconds in which this page was awake: between the parts of the wait
 * everything is read that came while the page was late.
 * @param {Timers} clock
 * @param {number} seconds
 * @param {() => void} work
 * @returns {() => void} ends the wait
 */
export function patiently(clock, seconds, work) {
  let left = PARTS;
  let timer = clock.later(step, seconds / PARTS);
  function step() {
    left -= 1;
    if (left > 0) timer = clock.later(step, seconds / PARTS);
    else work();
  }
  return () => clock.cancel(timer);
}
