// How many columns of tiles make the pictures largest in a given area, with names that are not cut.
// Pure.

const GAP = 6; // px between tiles
const BORDER = 8; // px of both borders of a tile
const RATIO = 16 / 9;
const LETTER = 0.5; // rem that a letter of a name is wide
const KEY = 2.2; // rem that the key beside it takes
const LINE = 1.05; // rem of a line of the name
const MARKS = 2; // rem of the marks and the meter under it
const SLACK = 1.2; // lines are broken between words
const LEAST = 5.5; // rem of text beside a picture, so that marks stand in a line
const DENSE = 0.8; // size of small text
const WORTH = 1.25; // how much larger pictures must be to be worth small text
const SMALLEST = 4; // rem of a picture under which long names are cut after two lines
const SHORT = 16; // letters that are left of a name then

/**
 * @typedef {object} Grid
 * @property {number} columns
 * @property {number} rows
 * @property {number} picture  width of a picture, px
 * @property {boolean} beside  names and marks stand beside the pictures, not under them
 * @property {boolean} dense  in small text
 * @property {boolean} cut  long names end after two lines: there is no room for both
 *
 * @typedef {object} Room  of one tile, px
 * @property {number} wide
 * @property {number} high
 */

/**
 * The best grid for a number of tiles.
 * @param {number} count
 * @param {number} width  px
 * @param {number} height  px
 * @param {number} rem  px of the root's font
 * @param {number} longest  letters of the longest name
 * @returns {Grid}
 */
export function gridOf(count, width, height, rem, longest) {
  const plain = best(count, width, height, rem, longest);
  const dense = best(count, width, height, rem * DENSE, longest);
  const grid = dense.picture > plain.picture * WORTH ? { ...dense, dense: true } : plain;
  if (grid.picture >= SMALLEST * rem || longest <= SHORT) return grid;
  const cut = best(count, width, height, rem * DENSE, SHORT);
  return cut.picture > grid.picture ? { ...cut, dense: true, cut: true } : grid;
}

/** @param {number} count @param {number} width @param {number} height @param {number} rem @param {number} longest */
function best(count, width, height, rem, longest) {
  // Where no picture fits there are names alone, in tiles about as wide as two are high.
  const columns = Math.max(1, Math.min(count, Math.ceil(Math.sqrt((count * width) / (2 * height || 1)))));
  /** @type {Grid} */
  let found = { columns, rows: Math.max(1, Math.ceil(count / columns)), picture: 0, beside: false, dense: false, cut: false };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const room = {
      wide: (width - GAP * (columns - 1)) / columns - BORDER,
      high: (height - GAP * (rows - 1)) / rows - BORDER,
    };
    for (const beside of [false, true]) {
      const picture = Math.floor(beside ? besideText(room, rem, longest) : aboveText(room, rem, longest));
      if (picture > found.picture) found = { columns, rows, picture, beside, dense: false, cut: false };
    }
  }
  return found;
}

/** Width of a picture over its text. @param {Room} room @param {number} rem @param {number} longest */
function aboveText({ wide, high }, rem, longest) {
  const line = wide - KEY * rem;
  if (line < LEAST * rem * 0.5) return 0;
  const letters = longest * LETTER * rem;
  const lines = letters <= line ? 1 : Math.ceil((letters * SLACK) / line);
  return Math.min(wide, (high - (lines * LINE + MARKS) * rem) * RATIO);
}

/** Width of a picture with its text at the right. @param {Room} room @param {number} rem @param {number} longest */
function besideText({ wide, high }, rem, longest) {
  const lines = Math.floor((high / rem - MARKS) / LINE);
  if (lines < 1) return 0;
  const letters = longest * LETTER * (lines === 1 ? 1 : SLACK / lines);
  return Math.min(wide - (KEY + Math.max(LEAST, letters)) * rem, high * RATIO);
}
