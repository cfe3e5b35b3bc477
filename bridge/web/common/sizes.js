// Tells the bridge in which size each slot's picture is shown, so that nothing larger is sent than
// somebody can see, and nothing of what is hidden.

/** @import { FromClient } from "../types/protocol.js" */

const SETTLE = 120; // ms; a window that is being dragged changes size all the time
const STEP = 10; // lines; smaller changes are not told

/**
 * Lines in which an element shows a picture, 0 where it is hidden.
 * @param {Element | null | undefined} element
 * @param {number} ratio  device pixels of a pixel
 */
export function linesOf(element, ratio) {
  if (!element || element.getClientRects().length === 0) return 0;
  // Pictures are 16:9, and keep that in a box of another shape.
  const height = Math.min(element.clientHeight, (element.clientWidth * 9) / 16) * ratio;
  return Math.min(10000, Math.max(STEP, Math.round(height / STEP) * STEP));
}

/** Watches the elements of slots and reports their sizes, where those have changed. */
export class Sizes {
  /**
   * @param {() => Iterable<[string, Element | null | undefined]>} pictures  slots and the elements that show them now
   * @param {(message: Extract<FromClient, {type: "sizes"}>) => void} send
   */
  constructor(pictures, send) {
    this.pictures = pictures;
    this.send = send;
    this.told = "";
    this.timer = 0;
    new ResizeObserver(() => this.look()).observe(document.documentElement);
  }

  /** What is shown may have changed. */
  look() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.tell();
    }, SETTLE);
  }

  /** Another connection knows nothing yet. */
  forget() {
    this.told = "";
    this.look();
  }

  tell() {
    /** @type {Record<string, number>} */
    const slots = {};
    for (const [slot, element] of this.pictures()) slots[slot] = linesOf(element, devicePixelRatio);
    const text = JSON.stringify(slots);
    if (text === this.told || text === "{}") return;
    this.told = text;
    this.send({ type: "sizes", slots });
  }
}
