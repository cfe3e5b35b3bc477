// The lines of all points over the time of a recording, a row each: how bad is how high, and on air
// is behind it. A slider: dragging it is seeking.

/** @import { RecordingPart } from "../types/protocol.js" */
/** @import { Span } from "./moment.js" */
import { byId, makeText } from "../common/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 10; // units of a row
/** How high a level is in its row. @type {Record<string, number>} */
const HIGH = { away: 0, unknown: 1, good: 2, fair: 4, poor: 7, bad: 10 };
const STEP = 5; // s of an arrow key
const PAGE = 60;

/** @param {Element} parent @param {string} name @param {Record<string, string | number>} attributes */
function shape(parent, name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  parent.append(made);
  return made;
}

/**
 * Draw the rows. `seconds` is the length of the file.
 * @param {{id: string, name: string}[]} points
 * @param {Record<string, Span[]>} spans
 * @param {readonly RecordingPart[]} parts
 * @param {number} seconds
 */
export function drawStrip(points, spans, parts, seconds) {
  const names = byId("strip-names");
  names.replaceChildren(...points.map(({ name }) => makeText("li", "", name)));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${Math.max(seconds, 0.001)} ${ROW * points.length}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  points.forEach(({ id }, row) => {
    const bottom = ROW * (row + 1);
    for (const { from, to, level, onAir } of spans[id] ?? []) {
      for (const part of parts) {
        const begin = Math.max(from, part.at);
        const end = Math.min(to, part.at + part.seconds);
        if (end <= begin) continue;
        const x = part.offset + begin - part.at;
        const width = end - begin;
        if (onAir) shape(svg, "rect", { class: "air", x, y: bottom - ROW, width, height: ROW });
        shape(svg, "rect", { class: level, x, y: bottom - HIGH[level], width, height: HIGH[level] });
      }
    }
    shape(svg, "line", { class: "ground", x1: 0, x2: seconds, y1: bottom, y2: bottom });
  });
  shape(svg, "line", { id: "strip-now", x1: 0, x2: 0, y1: 0, y2: ROW * points.length });
  byId("strip").replaceChildren(svg);
}

/** Show where the picture is. @param {number} place  s @param {number} seconds @param {string} text */
export function markStrip(place, seconds, text) {
  const strip = byId("strip");
  strip.setAttribute("aria-valuemin", "0");
  strip.setAttribute("aria-valuemax", String(Math.round(seconds)));
  strip.setAttribute("aria-valuenow", String(Math.round(place)));
  strip.setAttribute("aria-valuetext", text);
  for (const end of ["x1", "x2"]) document.getElementById("strip-now")?.setAttribute(end, String(place));
}

/**
 * Make the strip a slider of the video. @param {HTMLVideoElement} video
 */
export function startStrip(video) {
  const strip = byId("strip");
  const length = () => (Number.isFinite(video.duration) ? video.duration : 0);
  /** @param {PointerEvent} event */
  const seek = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
    video.currentTime = share * length();
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    seek(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (strip.hasPointerCapture(event.pointerId)) seek(event);
  });
  strip.addEventListener("keydown", (event) => {
    /** @type {Record<string, number>} */
    const places = {
      ArrowLeft: video.currentTime - STEP, ArrowRight: video.currentTime + STEP,
      PageUp: video.currentTime - PAGE, PageDown: video.currentTime + PAGE, Home: 0, End: length(),
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    video.currentTime = Math.min(length(), Math.max(0, place));
  });
}
