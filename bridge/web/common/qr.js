// A QR code drawn from its rows: one path, dark on white with the margin that scanners need.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 4; // modules (ISO/IEC 18004, section 9.1)

/** The dark modules as the data of a path, row by row. Pure. @param {readonly string[]} rows */
export function pathOf(rows) {
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map(({ 0: run, index }) => `M${index + MARGIN} ${y + MARGIN}h${run.length}v1h-${run.length}z`));
  return runs.join("");
}

/** Show a code in a place of the page. @param {HTMLElement} place @param {readonly string[]} rows @param {string} label */
export function drawQr(place, rows, label) {
  const size = rows.length + 2 * MARGIN;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const ground = document.createElementNS(SVG, "rect");
  for (const side of ["width", "height"]) ground.setAttribute(side, String(size));
  ground.setAttribute("fill", "#fff");
  const dark = document.createElementNS(SVG, "path");
  dark.setAttribute("d", pathOf(rows));
  svg.append(ground, dark);
  place.replaceChildren(svg);
}
