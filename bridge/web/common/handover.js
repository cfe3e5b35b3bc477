// What stands in the programme's place: the programme itself, the point's thumbnail until its first
// picture is decoded, or a slate with the point's name. Pure.

const UNCERTAIN = 2; // pictures after which one is the new point's, where no timestamps are told

/**
 * @typedef {object} Seen  what is known of the pictures that the programme's slot has given
 * @property {string | null} point  whose they are; null while they are still somebody else's
 * @property {string | null} coming  whose they are about to be
 * @property {number | null} since  RTP timestamp of the first of those
 * @property {number} pictures  how many came meanwhile
 * @property {number | null} newest  RTP timestamp of the newest
 */

/** @type {Seen} */
export const nothing = Object.freeze({ point: null, coming: null, since: null, pictures: 0, newest: null });

/** Whether an RTP timestamp is `other` or after it, across its wrap. @param {number} value @param {number} other */
const reached = (value, other) => ((value - other) | 0) >= 0;

/** @param {Seen} seen @returns {Seen} */
function settle(seen) {
  const { coming, since, newest } = seen;
  if (coming === null) return seen;
  const there = since !== null && newest !== null ? reached(newest, since) : seen.pictures >= UNCERTAIN;
  return there ? { ...seen, point: coming, coming: null, since: null } : seen;
}

/**
 * The bridge has said what the slot shows.
 * @param {Seen} seen
 * @param {string | null} shown
 * @param {number | null} since
 * @returns {Seen}
 */
export function told(seen, shown, since) {
  if (shown === null) return { ...seen, point: null, coming: null, since: null };
  if (shown === seen.point) return seen;
  // The page has moved to another connection, whose timestamps are others.
  if (shown === seen.coming) return since === seen.since ? seen : settle({ ...seen, since });
  return settle({ ...seen, point: null, coming: shown, since, pictures: 0 });
}

/**
 * A picture of the slot is on the screen.
 * @param {Seen} seen
 * @param {number | null} timestamp  its RTP timestamp, where the browser tells it
 * @returns {Seen}
 */
export const decoded = (seen, timestamp) =>
  settle({ ...seen, pictures: seen.pictures + 1, newest: timestamp ?? seen.newest });

/**
 * What to put there now.
 * @param {Seen} seen
 * @param {string | null} wanted  the point that is to be seen
 * @param {boolean} thumbnail  whether a picture of it is at hand
 * @returns {"picture" | "thumbnail" | "slate" | "none"}
 */
export function placeOf(seen, wanted, thumbnail) {
  if (wanted === null) return "none";
  if (seen.point === wanted) return "picture";
  return thumbnail ? "thumbnail" : "slate";
}
