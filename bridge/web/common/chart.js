// Line charts as SVG: a few hundred points, two or three lines, gaps where nothing was measured.

const SPACE = "http://www.w3.org/2000/svg";
const LEAST_WIDTH = 300;
const HEIGHT = 140;
const LEFT = 40;
const BOTTOM = 18;
const TOP = 8;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {Element} [parent] */
function svg(tag, attributes, parent) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  parent?.append(element);
  return element;
}

/**
 * A round number at or above a value: 1, 2 or 5 times a power of ten.
 * @param {number} value
 */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) if (value <= step * power * 1.0001) return step * power;
  return 10 * power;
}

/**
 * The path of one line; a new piece after a gap. Pure.
 * @param {[number, number | null][]} points  time and value
 * @param {(time: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} gap  seconds without a value that break the line
 */
export function path(points, x, y, gap) {
  let text = "";
  let last = -Infinity;
  for (const [time, value] of points) {
    if (value === null) continue;
    text += `${time - last > gap ? "M" : "L"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    last = time;
  }
  return text;
}

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} kind  one of the classes a, b, c of the style sheet
 * @property {[number, number | null][]} points  UTC seconds and value
 */

/**
 * Draw a chart; its data is in a description for who cannot see it.
 * @param {Element} root
 * @param {{title: string, from: number, to: number, span: number, least: number, series: Series[], outages: [number, number][], time: (at: number) => string}} chart
 */
export function draw(root, chart) {
  const values = chart.series.flatMap((s) => s.points.map(([, value]) => value ?? 0));
  // As many units as pixels, so that texts keep their size on a telephone.
  const width = Math.max(LEAST_WIDTH, root.clientWidth || 600);
  const top = roundUp(Math.max(chart.least, ...values));
  const x = (/** @type {number} */ at) => LEFT + ((at - chart.from) / (chart.to - chart.from)) * (width - LEFT - 4);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const box = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img" });
  const summary = chart.series.map((s) => {
    const known = s.points.flatMap(([, value]) => (value === null ? [] : [value]));
    return known.length ? `${s.name}: ${Math.min(...known).toFixed(1)}–${Math.max(...known).toFixed(1)}` : `${s.name}: –`;
  });
  box.setAttribute("aria-label", `${chart.title}. ${summary.join("; ")}`);
  for (const [start, end] of chart.outages) {
    svg("rect", { x: x(start), y: TOP, width: Math.max(1.5, x(end) - x(start)), height: HEIGHT - BOTTOM - TOP, class: "outage" }, box);
  }
  for (const share of [0, 0.5, 1]) {
    svg("line", { x1: LEFT, x2: width - 4, y1: y(top * share), y2: y(top * share), class: "grid" }, box);
    svg("text", { x: LEFT - 4, y: y(top * share) + 4, class: "axis right" }, box).textContent = String(+(top * share).toPrecision(3));
  }
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const at = chart.from + (chart.to - chart.from) * share;
    const anchor = share === 0 ? "left" : share === 1 ? "right" : "middle";
    svg("text", { x: x(at), y: HEIGHT - 4, class: `axis ${anchor}` }, box).textContent = chart.time(at);
  }
  for (const series of chart.series) {
    svg("path", { d: path(series.points, x, y, chart.span * 1.6), class: `series ${series.kind}` }, box);
  }
  root.replaceChildren(box);
}

/**
 * A small line without axes.
 * @param {Element} root
 * @param {number[]} values  0–1, oldest first
 * @param {number} room  how many values fit
 */
export function spark(root, values, room) {
  const points = values.map((value, index) => `${(index + room - values.length).toFixed(0)},${(10 - 9 * Math.min(1, value)).toFixed(1)}`);
  let box = root.querySelector("svg");
  if (!box) {
    box = /** @type {SVGSVGElement} */ (svg("svg", { viewBox: `0 0 ${room - 1} 11`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" }, root));
    svg("polyline", { points: "", class: "series a" }, box);
  }
  box.firstElementChild?.setAttribute("points", points.join(" "));
}
