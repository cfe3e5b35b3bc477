// Where a page of a paper is drawn, and which page comes next. Pure.

/** @import { ConferenceView, Paper, Showing } from "../types/protocol.js" */

const WIDEST = 3840; // pixels in which the bridge draws a page at most

/** @typedef {{width: number, height: number}} Size */
/** @typedef {Pick<Showing, "zoom" | "x" | "y">} Look */

/**
 * Where a page lies in a place that it is shown in: the whole of it at zoom 1, and never empty space
 * beside it where there could be page.
 * @param {Size} page  its proportions
 * @param {Size} place  px
 * @param {Look} look
 */
export function placement(page, place, { zoom, x, y }) {
  const fitting = Math.min(place.width / page.width, place.height / page.height);
  const width = page.width * fitting * zoom;
  const height = page.height * fitting * zoom;
  return { left: start(width, place.width, x), top: start(height, place.height, y), width, height };
}

/** @param {number} length @param {number} room @param {number} middle  as a part of the length */
function start(length, room, middle) {
  if (length <= room) return (room - length) / 2;
  return Math.min(0, Math.max(room - length, room / 2 - length * middle));
}

/**
 * Which part of a page is under a place, as parts of its width and height.
 * @param {{left: number, top: number, width: number, height: number}} placed
 * @param {number} left  px
 * @param {number} top  px
 */
export function pointed(placed, left, top) {
  /** @param {number} part */
  const within = (part) => Math.max(0, Math.min(1, part));
  return { x: within((left - placed.left) / placed.width), y: within((top - placed.top) / placed.height) };
}

/** How wide a picture is asked for, so that letters are sharp. @param {number} pixels */
export const wanted = (pixels) => Math.min(WIDEST, Math.max(1, Math.ceil(pixels)));

/**
 * @typedef {object} Leaf  a page that is looked at
 * @property {Paper} paper
 * @property {number} page
 * @property {Look} look
 */

const WHOLE = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 });

/**
 * What a room shows: the page that it has leafed to by itself, otherwise the one that everybody is
 * shown; null for none. A paper that is not for this room has `paper` null.
 * @param {ConferenceView | null} conference
 * @param {{paper: string, page: number} | null} own
 * @param {Paper[]} kept  papers that the room may see beside those of its conference
 * @returns {Leaf | {paper: null} | null}
 */
export function leafOf(conference, own, kept = []) {
  const mine = own && paperOf([...(conference?.papers ?? []), ...kept], own.paper);
  if (own && mine) return { paper: mine, page: Math.min(own.page, mine.pages), look: WHOLE };
  const showing = conference?.showing;
  if (!showing) return null;
  const paper = paperOf(conference.papers, showing.paper);
  return paper ? { paper, page: showing.page, look: showing } : { paper: null };
}

/** @param {Paper[]} papers @param {string} id */
const paperOf = (papers, id) => papers.find((paper) => paper.id === id) ?? null;

/** The page some pages on, within the paper. @param {{pages: number}} paper @param {number} page @param {number} step */
export const pageAfter = (paper, page, step) => Math.max(1, Math.min(paper.pages, page + step));
