// How well the programme plays here, from the browser's statistics: frozen pictures, sound that had
// to be made up, size and rate.

/** @import { Playback } from "../types/protocol.js" */
/** @import { Media } from "../common/media.js" */

const WINDOW = 10; // samples of a second each

/**
 * @typedef {object} Sample
 * @property {number} at  ms
 * @property {number} frozen  seconds that the programme stood still, so far
 * @property {number} heard  samples of sound, so far
 * @property {number} concealed  of these made up
 */

/**
 * The shares of a window that were frozen and made up, or null before there is a window. Pure.
 * @param {Sample[]} samples
 * @param {{height: number, rate: number}} picture
 * @returns {Playback | null}
 */
export function playbackOf(samples, picture) {
  const [first] = samples;
  const last = samples[samples.length - 1];
  if (!first || !last || last.at <= first.at) return null;
  const heard = last.heard - first.heard;
  const share = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
  return {
    type: "playback",
    frozen: share((last.frozen - first.frozen) / ((last.at - first.at) / 1000)),
    concealed: heard > 0 ? share((last.concealed - first.concealed) / heard) : 0,
    frame_height: picture.height,
    frame_rate: picture.rate,
  };
}

/**
 * Watch the programme and the voices, and tell what became of them once a second.
 * @param {Media} media
 * @param {(message: Playback) => void} send
 */
export function watchPlayback(media, send) {
  /** @type {Sample[]} */
  let samples = [];
  /** @type {RTCPeerConnection | null} */
  let seen = null;
  setInterval(async () => {
    const pc = media.pc ?? null;
    if (pc !== seen) samples = [];
    seen = pc;
    if (!pc || pc.connectionState !== "connected") return;
    const programme = media.programme?.id;
    const sample = { at: performance.now(), frozen: 0, heard: 0, concealed: 0 };
    const picture = { height: 0, rate: 0 };
    const reports = await pc.getStats().catch(() => null);
    if (reports && pc === media.pc) media.repeats?.look(reports.values(), sample.at / 1000);
    for (const report of reports?.values() ?? []) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video" && report.trackIdentifier === programme) {
        sample.frozen = report.totalFreezesDuration ?? 0;
        picture.height = report.frameHeight ?? 0;
        picture.rate = report.framesPerSecond ?? 0;
      } else if (report.kind === "audio") {
        sample.heard += report.totalSamplesReceived ?? 0;
        // Silence that was made up is what a closed microphone sounds like.
        sample.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
      }
    }
    samples = [...samples, sample].slice(-WINDOW - 1);
    const message = playbackOf(samples, picture);
    if (message) send(message);
  }, 1000);
}
