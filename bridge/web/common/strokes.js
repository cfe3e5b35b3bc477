// What is drawn on pages of papers, as a page of ours knows it. Pure.

/** @import { Stroke, Strokes } from "../types/protocol.js" */
/** @import { Leaf } from "./page_place.js" */

export const SCALE = 10_000; // parts of a page's width and height in which places are told
export const MAX_PLACES = 120; // of a stroke; a longer one is drawn in pieces
const PAGES = 50; // whose strokes are kept here
const NEAR = 25; // parts: places that are nearer than this to the one before are left out
const BREADTH = { pen: 0.004, marker: 0.022 }; // in widths of the page
const COLOUR = { pen: "#d61e1e", marker: "rgb(255 214 0 / 43%)" };

/** @param {{paper: string, version: number, page: number}} of */
export const keyOf = ({ paper, version, page }) => `${paper} ${version} ${page}`;

/** @param {Leaf} leaf */
export const ofLeaf = ({ paper, page }) => ({ paper: paper.id, version: paper.version, page });

/**
 * What is known after a message.
 * @param {ReadonlyMap<string, Stroke[]>} known  by page
 * @param {Strokes} message
 */
export function drawn(known, message) {
  const next = new Map(known);
  const before = next.get(keyOf(message)) ?? [];
  next.delete(keyOf(message)); // the newest comes last
  next.set(keyOf(message), [...before.slice(0, message.start), ...message.strokes]);
  for (const oldest of next.keys()) {
    if (next.size <= PAGES) break;
    next.delete(oldest);
  }
  return next;
}

/**
 * A stroke with one more place, where that differs from the last.
 * @param {number[]} places  x and y in turn
 * @param {{x: number, y: number}} at  parts of the page
 */
export function longer(places, at) {
  const [x, y] = [Math.round(at.x * SCALE), Math.round(at.y * SCALE)];
  const [before = -SCALE, above = -SCALE] = places.slice(-2);
  return Math.hypot(x - before, y - above) < NEAR ? places : [...places, x, y];
}

/**
 * Draw a stroke.
 * @param {CanvasRenderingContext2D} pen
 * @param {Stroke} stroke
 * @param {{left: number, top: number, width: number, height: number}} placed  where the page is, px
 */
export function paintStroke(pen, { tool, places }, placed) {
  pen.strokeStyle = COLOUR[tool];
  pen.lineWidth = Math.max(1, placed.width * BREADTH[tool]);
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  for (let at = 0; at < places.length; at += 2) {
    const [x, y] = onCanvas(places[at] ?? 0, places[at + 1] ?? 0, placed);
    if (at === 0) pen.moveTo(x, y);
    if (at > 0 || places.length === 2) pen.lineTo(x, y);
  }
  pen.stroke();
}

/**
 * @param {number} x @param {number} y  parts of `SCALE`
 * @param {{left: number, top: number, width: number, height: number}} placed
 * @returns {[number, number]}
 */
export const onCanvas = (x, y, placed) => [placed.left + (x / SCALE) * placed.width, placed.top + (y / SCALE) * placed.height];
