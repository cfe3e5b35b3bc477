// What a conference was like at an instant, out of its log: who was on air and had the floor, who
// waited for it, who was there, what each room was shown and what its line was like. Pure.

/** @import { Booking, Recorded } from "../types/protocol.js" */

/**
 * @typedef {object} Seat  a point at an instant
 * @property {boolean} present
 * @property {boolean} ever  it has been there
 * @property {string} reason  why it is gone
 * @property {string} up  quality of its line, as `quality.*`
 * @property {string} down
 * @property {string} picture  which picture of the programme its line carries, as `picture.*`
 */
/**
 * @typedef {object} Moment
 * @property {Booking | null} booking
 * @property {string} onAir
 * @property {string | null} previous
 * @property {string | null} returns  the return picture that was set
 * @property {{point: string, at: number} | null} floor
 * @property {{point: string, number: number, at: number}[]} queue
 * @property {string | null} content  who shares a screen
 * @property {Record<string, Seat>} seats
 */
/** @typedef {{from: number, to: number, level: string, onAir: boolean}} Span  UTC seconds */

const ORDER = ["bad", "poor", "fair", "good", "unknown"];

/** @returns {Moment} */
const nothing = () => ({
  booking: null, onAir: "", previous: null, returns: null, floor: null, queue: [], content: null, seats: {},
});

/** @returns {Seat} */
const empty = () => ({ present: false, ever: false, reason: "", up: "unknown", down: "unknown", picture: "" });

/**
 * The conference at an instant (UTC seconds).
 * @param {readonly Recorded[]} log  in its order
 * @param {number} at
 */
export function momentAt(log, at) {
  const moment = nothing();
  for (const line of log) {
    if (line.at > at) break;
    step(moment, line);
  }
  return moment;
}

/** Take an event in. @param {Moment} moment @param {Recorded} line */
function step(moment, { event, at }) {
  switch (event.type) {
    case "opened":
      moment.booking = event.plan;
      moment.onAir = event.plan.chair;
      for (const point of event.plan.points) moment.seats[point] = empty();
      break;
    case "started":
      Object.assign(moment, { onAir: moment.booking?.chair ?? "", previous: null, queue: [] });
      break;
    case "ended":
      for (const seat of Object.values(moment.seats)) seat.present = false;
      moment.content = null;
      break;
    case "point_joined":
      Object.assign(seatOf(moment, event.point), { present: true, ever: true, reason: "" });
      break;
    case "point_left":
    case "dropped":
      Object.assign(seatOf(moment, event.point), { present: false, reason: event.reason, picture: "" });
      break;
    case "taken":
      onAir(moment, event.point, event.previous);
      break;
    case "floor_granted":
      onAir(moment, event.point, event.previous);
      moment.floor = { point: event.point, at };
      moment.queue = moment.queue.filter(({ point }) => point !== event.point);
      break;
    case "floor_ended":
      moment.floor = null;
      break;
    case "floor_requested":
      moment.queue = [...moment.queue, { point: event.point, number: event.number, at }];
      break;
    case "floor_withdrawn":
      moment.queue = moment.queue.filter(({ point }) => point !== event.point);
      break;
    case "return_picture":
      moment.returns = event.point;
      break;
    case "content_started":
      moment.content = event.sharer;
      break;
    case "content_stopped":
      moment.content = null;
      break;
    case "quality":
      Object.assign(seatOf(moment, event.point), { up: event.up, down: event.down });
      break;
    case "picture":
      seatOf(moment, event.point).picture = event.picture;
      break;
  }
}

/** @param {Moment} moment @param {string} point @returns {Seat} */
const seatOf = (moment, point) => (moment.seats[point] ??= empty());

/** @param {Moment} moment @param {string} point @param {string} previous */
function onAir(moment, point, previous) {
  if (moment.onAir === point) return;
  moment.onAir = point;
  moment.previous = previous;
}

/**
 * The point whose picture was a room's programme; the one on air has its return picture.
 * @param {Moment} moment
 * @param {string} room
 */
export function shownTo(moment, room) {
  const { booking, onAir: shown, returns, previous, seats } = moment;
  if (!booking || room !== shown) return shown;
  if (returns && returns !== shown) return returns;
  if (shown !== booking.chair) return booking.chair;
  if (previous && seats[previous]?.present) return previous;
  const others = booking.points.filter((point) => point !== shown && !booking.observers?.includes(point));
  return others.find((point) => seats[point]?.present) ?? others[0] ?? "";
}

/** The worse direction of a line; "away" where the point is not there. @param {Seat} seat */
export function levelOf({ present, up, down }) {
  if (!present) return "away";
  return ORDER.find((level) => level === up || level === down) ?? "unknown";
}

/**
 * What each point's line was like and when it was on air, as spans up to `end` (UTC seconds).
 * @param {readonly Recorded[]} log
 * @param {number} end
 * @returns {Record<string, Span[]>}
 */
export function spansOf(log, end) {
  const moment = nothing();
  /** @type {Record<string, Span[]>} */
  const spans = {};
  /** Begin a new span wherever something has changed. @param {number} at */
  const note = (at) => {
    for (const [point, seat] of Object.entries(moment.seats)) {
      const made = (spans[point] ??= []);
      const last = made.at(-1);
      const level = levelOf(seat);
      const air = moment.onAir === point;
      if (last && last.level === level && last.onAir === air) continue;
      if (last) last.to = at;
      made.push({ from: at, to: end, level, onAir: air });
    }
  };
  for (const line of log) {
    if (line.at > end) break;
    step(moment, line);
    note(line.at);
  }
  return spans;
}
