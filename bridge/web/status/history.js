// The history of a point's line as series for charts. Pure.

/** @import { QualityRow } from "../types/protocol.js" */

/** @typedef {[number, number | null][]} Points  UTC seconds and value */

/** Probes of the point's router are no part of its line. @param {QualityRow} row */
const ofRouter = (row) => row.kind.startsWith("router:");

/**
 * Series of a line's history: per cent lost of all classes together; round trip and variation, in
 * ms, of the first class; and spans without a line.
 * @param {QualityRow[]} rows  at least one
 */
export function seriesOf(rows) {
  const kind = (rows.find((row) => !ofRouter(row)) ?? rows[0]).kind;
  /** @param {string} direction */
  const of = (direction) => rows.filter((row) => row.kind === kind && row.direction === direction);
  /** @param {string} direction @param {(row: QualityRow) => number | null} value @returns {Points} */
  const series = (direction, value) => of(direction).map((row) => [row.at, value(row)]);
  return {
    lossUp: lossOf(rows, "up"),
    lossDown: lossOf(rows, "down"),
    roundTrip: series("up", (row) => row.round_trip_p95),
    variationUp: series("up", (row) => row.variation_p95),
    variationDown: series("down", (row) => row.variation_p95),
    outages: of("up")
      .filter((row) => row.outage > 0)
      .map((row) => /** @type {[number, number]} */ ([row.at, row.at + row.span])),
  };
}

/** @param {QualityRow[]} rows @param {string} direction @returns {Points} */
function lossOf(rows, direction) {
  /** @type {Map<number, [packets: number, lost: number]>} */
  const sums = new Map();
  for (const row of rows) {
    if (row.direction !== direction || ofRouter(row)) continue;
    const [packets, lost] = sums.get(row.at) ?? [0, 0];
    sums.set(row.at, [packets + row.packets, lost + row.lost]);
  }
  return [...sums].map(([at, [packets, lost]]) => [at, packets ? (100 * lost) / packets : null]);
}
