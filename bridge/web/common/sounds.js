// Voices: one audio element a slot, in no layout, and the button that browsers may ask for.

import { byId } from "./dom.js";

/** Plays the track of each audio slot. */
export class Sounds {
  constructor() {
    /** @type {Map<string, HTMLAudioElement>} */
    this.elements = new Map();
    // Browsers let a page sound only after a click on it.
    const button = byId("sound");
    this.blocked = () => (button.hidden = false);
    button.addEventListener("click", async () => {
      for (const element of this.elements.values()) await element.play();
      button.hidden = true;
    });
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  attach(slot, track) {
    const element = this.elements.get(slot) ?? new Audio();
    this.elements.set(slot, element);
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => this.blocked());
  }
}
