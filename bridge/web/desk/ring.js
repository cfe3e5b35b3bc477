// The sound with which an officer's page rings.

const PERIOD = 3000; // ms from one ring to the next
const TONES = [880, 660, 880, 660]; // Hz
const TONE = 0.22; // seconds
const LOUD = 0.4; // of 1

/** Rings until it is told to stop. */
export class Ring {
  /** @param {() => void} changed  whether the browser lets it sound has changed */
  constructor(changed) {
    this.changed = changed;
    this.timer = 0;
    this.context = new AudioContext();
    this.context.onstatechange = changed;
  }

  /** Whether the browser lets nothing sound before somebody has clicked. */
  get silent() {
    return this.context.state !== "running";
  }

  /** Somebody has clicked: sound from now on. */
  allow() {
    this.context.resume().catch(() => {});
  }

  /** @param {boolean} on */
  set(on) {
    if (on === (this.timer !== 0)) return;
    clearInterval(this.timer);
    this.timer = on ? window.setInterval(() => this.once(), PERIOD) : 0;
    if (on) this.once();
  }

  once() {
    if (this.silent) return;
    TONES.forEach((frequency, index) => {
      const tone = new OscillatorNode(this.context, { frequency });
      tone.connect(new GainNode(this.context, { gain: LOUD })).connect(this.context.destination);
      tone.start(this.context.currentTime + index * TONE);
      tone.stop(this.context.currentTime + (index + 1) * TONE);
    });
  }
}
