// One device of the room: opened by itself, told by name what is wrong with it, opened again when it
// comes back. Camera and microphone know nothing of each other. Knows no DOM; what it asks is passed in.

/** @import { RoomStatus } from "../types/protocol.js" */
/** @typedef {RoomStatus["camera_fault"]} Fault */

export const RETRY = 3; // seconds between tries to open a device

/**
 * @typedef {object} Environment
 * @property {(() => Promise<MediaStreamTrack>) | null} ask  asks for the device; null on a page that may not
 * @property {(work: () => void, seconds: number) => number} later
 * @property {(timer: number) => void} cancel
 */

/** @type {Record<string, Fault>} */
const FAULTS = {
  NotFoundError: "missing", OverconstrainedError: "missing", NotAllowedError: "denied",
  SecurityError: "denied", NotReadableError: "busy", AbortError: "busy",
};

/** What it means that a device was not given. @param {unknown} error @returns {Fault} */
export const faultOf = (error) => (error instanceof Error && FAULTS[error.name]) || "failed";

/** A camera or a microphone. */
export class Device {
  /** @param {Environment} environment @param {() => void} changed  `track` or `fault` has changed */
  constructor(environment, changed) {
    this.environment = environment;
    this.changed = changed;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {Fault} */
    this.fault = "";
    this.timer = 0;
    this.asked = 0;
  }

  /** Whether it gives picture or sound now. */
  get live() {
    return this.track !== null && this.track.readyState === "live" && !this.fault;
  }

  /** Ask for the device; one that is open already stays until another has been given. */
  async open() {
    const { ask } = this.environment;
    if (!ask) {
      this.set(this.track, "insecure");
      return;
    }
    this.environment.cancel(this.timer);
    const asked = ++this.asked;
    try {
      const track = await ask();
      if (asked !== this.asked) {
        track.stop(); // meanwhile another was asked for
        return;
      }
      if (this.track && this.track !== track) this.close(this.track);
      track.onended = () => this.lost(track);
      track.onmute = track.onunmute = () => this.set(track, track.muted ? "muted" : "");
      this.set(track, track.muted ? "muted" : "");
    } catch (error) {
      if (asked !== this.asked) return;
      if (!this.track) this.set(null, faultOf(error));
      this.timer = this.environment.later(() => this.open(), RETRY);
    }
  }

  /** It was pulled out, or another program took it. @param {MediaStreamTrack} track */
  lost(track) {
    if (track !== this.track) return;
    this.set(null, "missing");
    this.open();
  }

  /** Devices came or went: look at once, where this one has a fault. */
  again() {
    if (this.fault && this.fault !== "muted") this.open();
  }

  /** @param {MediaStreamTrack} track */
  close(track) {
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
  }

  /** @param {MediaStreamTrack | null} track @param {Fault} fault */
  set(track, fault) {
    if (track === this.track && fault === this.fault) return;
    this.track = track;
    this.fault = fault;
    this.changed();
  }
}
