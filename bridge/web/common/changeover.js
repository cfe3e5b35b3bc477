// When a page changes over from one connection to another: as soon as everything that the present one
// gives comes by the new one, too. Pure.

const RECENT = 5; // looks within which something came that flows
const LEAST = 3; // looks until it is known what flows

/**
 * @typedef {object} Flow  what the present connection has given since the first look
 * @property {number} looks
 * @property {Map<string, number>} counts  by slot
 * @property {Map<string, number>} last  the look at which a slot's count has grown last
 */

/** @returns {Flow} */
export const nothingYet = () => ({ looks: 0, counts: new Map(), last: new Map() });

/**
 * Look at the counts of the present connection once more.
 * @param {Flow} flow
 * @param {Map<string, number>} counts
 * @returns {Flow}
 */
export function looked(flow, counts) {
  const looks = flow.looks + 1;
  const last = new Map(flow.last);
  for (const [slot, count] of counts) if (count > (flow.counts.get(slot) ?? count)) last.set(slot, looks);
  return { looks, counts, last };
}

/**
 * Whether all that flows comes by another connection, too.
 * @param {Flow} flow
 * @param {Map<string, number>} other  its counts
 */
export function replaced(flow, other) {
  if (flow.looks < LEAST) return false;
  const flows = [...flow.last].filter(([, look]) => flow.looks - look < RECENT).map(([slot]) => slot);
  return flows.every((slot) => (other.get(slot) ?? 0) > 0);
}
