// The level of a microphone before anything is sent, and tones from the loudspeakers.

const TONES = [[440, -1], [440, 1], [660, 0]]; // Hz, and where: left, right, both
const TONE = 0.6; // seconds
const LOUD = 0.3; // of 1

/** How loud a microphone is. */
export class Meter {
  constructor() {
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AnalyserNode | null} */
    this.analyser = null;
    this.samples = new Float32Array(2048);
  }

  /** Measure this one from now on; null ends it. @param {MediaStreamTrack | null} track */
  follow(track) {
    if (track === this.track) return;
    this.track = track;
    this.context?.close();
    this.context = this.analyser = null;
    if (!track) return;
    this.context = new AudioContext();
    this.context.resume();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
  }

  /** The greatest amplitude of the last samples, 0–1. */
  read() {
    if (!this.analyser) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    return this.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  }
}

/** Sound left, right, both. @param {string} speaker  id of the loudspeaker, "" for the computer's choice */
export async function playTones(speaker) {
  const context = /** @type {AudioContext & {setSinkId?: (id: string) => Promise<void>}} */ (new AudioContext());
  if (speaker) await context.setSinkId?.(speaker).catch(() => {}); // it was taken away: the computer's choice
  const end = TONES.reduce((at, [frequency, where]) => {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: LOUD });
    tone.connect(new StereoPannerNode(context, { pan: where })).connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + TONE);
    return at + TONE;
  }, context.currentTime);
  setTimeout(() => context.close(), (end - context.currentTime) * 1000 + 500);
}
