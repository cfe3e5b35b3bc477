// Voices: one audio element a slot, in no layout, and the button that browsers may ask for.

import { byId } from "./dom.js";
import { streamOf } from "./pictures.js";

/** Plays the track of each audio slot. */
export class Sounds {
  constructor() {
    /** @type {Map<string, HTMLAudioElement>} */
    this.elements = new Map();
    this.speaker = "";
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    // Browsers let a page sound only after a click on it.
    const button = byId("sound");
    this.blocked = () => (button.hidden = false);
    button.addEventListener("click", async () => {
      for (const element of this.elements.values()) await element.play();
      if (this.video) this.video.muted = false;
      button.hidden = true;
    });
  }

  /** Sound on this loudspeaker; "" is the computer's choice. @param {string} speaker */
  playOn(speaker) {
    if (speaker === this.speaker) return;
    this.speaker = speaker;
    for (const element of this.elements.values()) this.aim(element);
  }

  /** @param {HTMLAudioElement} element */
  aim(element) {
    // One that was taken away leaves the sound where it was.
    if (this.speaker || element.sinkId) element.setSinkId?.(this.speaker).catch(() => {});
  }

  /** @param {string} slot @param {MediaStreamTrack} track @param {boolean} [over] */
  attach(slot, track, over = false) {
    const element = this.elements.get(slot) ?? new Audio();
    this.elements.set(slot, element);
    this.aim(element);
    element.srcObject = streamOf(track, over ? element.srcObject : null);
    element.play().catch(() => this.blocked());
  }

  /** The sound of a video that has it within itself. @param {HTMLVideoElement} video */
  attachVideo(video) {
    this.video = video;
    video.muted = false;
    video.play().catch((/** @type {DOMException} */ error) => {
      if (error.name !== "NotAllowedError") return; // it has only not begun
      video.muted = true;
      video.play().catch(() => {});
      this.blocked();
    });
  }

  /** @param {HTMLVideoElement} video */
  releaseVideo(video) {
    if (this.video === video) video.muted = true;
    this.video = null;
  }
}
