// What a page knows of its conference, as a pure reducer: (state, message) → state.

/** @import { CameraView, ConferenceView, Events, Floor, LayerInfo, Notice, OfficerView, PointInfo, Quality, Recorded, RoomStatus, Sentence, SlotMap, SlotView, Summary, TalkView, ToClient, Upcoming, Welcome } from "../types/protocol.js" */

/**
 * @typedef {object} PageState
 * @property {string | null} self
 * @property {string} user
 * @property {string} role
 * @property {Sentence | null} bridge
 * @property {string} contact
 * @property {string} zone
 * @property {PointInfo[]} points
 * @property {SlotMap} slots
 * @property {LayerInfo[]} layers
 * @property {boolean} mayDirect
 * @property {[string, string][]} usage
 * @property {string} programme
 * @property {Record<string, string>} presence
 * @property {Record<string, SlotView>} shown
 * @property {Record<string, string>} pictures  the thumbnail slot that shows a point, by point
 * @property {Set<string>} onPage  points whose thumbnails this page is to get
 * @property {Record<string, string[]>} paused  slots by point to which nothing is sent (consoles)
 * @property {number} page
 * @property {number} pages
 * @property {Record<string, number>} levels
 * @property {ConferenceView | null} conference
 * @property {Summary[]} conferences
 * @property {Record<string, RoomStatus>} rooms
 * @property {Upcoming[]} upcoming
 * @property {Welcome["desk"]} desk  whose desk the page is
 * @property {OfficerView[]} officers  whom a desk can call
 * @property {Record<string, TalkView>} talks  whom an operator speaks to, by point
 * @property {Record<string, CameraView>} cameras  those that were steered, by point (consoles)
 * @property {Record<string, Quality>} lines
 * @property {Record<string, number[]>} losses  share lost (the worse direction, 0.1 fills the
 *   sparkline), a value a second, oldest first
 * @property {Notice[]} notices
 * @property {string} logOf  the conference whose log is in `log`
 * @property {Recorded[]} log
 * @property {boolean} worker
 * @property {Sentence | null} unsaved
 * @property {number} now  UTC seconds of the bridge at the last message that told them
 */

export const LOSSES = 60; // values of a sparkline
const FULL = 0.1; // share lost that fills it
const MAX_LOG = 5000; // lines kept in the page; the report has all
const MAX_NOTICES = 20;

/** @type {PageState} */
export const initial = Object.freeze({
  self: null,
  user: "",
  role: "",
  bridge: null,
  contact: "",
  zone: "Asia/Ho_Chi_Minh",
  points: [],
  slots: { video: [], audio: [] },
  layers: [],
  mayDirect: false,
  usage: [],
  programme: "",
  presence: {},
  shown: {},
  pictures: {},
  onPage: new Set(),
  paused: {},
  page: 0,
  pages: 1,
  levels: {},
  conference: null,
  conferences: [],
  rooms: {},
  upcoming: [],
  desk: "",
  officers: [],
  cameras: {},
  talks: {},
  lines: {},
  losses: {},
  notices: [],
  logOf: "",
  log: [],
  worker: true,
  unsaved: null,
  now: 0,
});

/**
 * @param {PageState} state
 * @param {ToClient} message
 * @returns {PageState}
 */
export function reduce(state, message) {
  switch (message.type) {
    case "welcome":
      return {
        ...state,
        self: message.point,
        user: message.user ?? "",
        role: message.role,
        bridge: message.bridge,
        contact: message.contact,
        zone: message.zone,
        points: message.points,
        slots: message.slots,
        layers: message.layers,
        mayDirect: message.may_direct,
        usage: message.usage,
        desk: message.desk,
        now: message.now,
      };
    case "state":
      return {
        ...state,
        programme: message.programme,
        presence: message.points,
        shown: message.slots,
        ...thumbnails(message.slots),
        paused: message.paused,
        page: message.page,
        pages: message.pages,
        conference: message.conference,
        conferences: message.conferences,
        rooms: message.rooms,
        upcoming: message.upcoming,
        officers: message.officers,
        cameras: message.cameras,
        talks: message.talks,
        worker: message.worker,
        unsaved: message.unsaved,
      };
    case "levels":
      return { ...state, levels: message.levels, now: message.now };
    case "lines":
      return { ...state, lines: message.quality, losses: longer(state.losses, message.quality) };
    case "notice":
      return { ...state, notices: [...state.notices, message].slice(-MAX_NOTICES) };
    case "events":
      return { ...state, logOf: message.conference, log: merged(state, message) };
    default:
      return state;
  }
}

/**
 * Which slot shows which point, and which points are to be shown.
 * @param {Record<string, SlotView>} slots
 */
function thumbnails(slots) {
  /** @type {Record<string, string>} */
  const pictures = {};
  /** @type {Set<string>} */
  const onPage = new Set();
  for (const [slot, { shown, stands }] of Object.entries(slots)) {
    if (!slot.startsWith("thumb:")) continue;
    if (stands) onPage.add(stands);
    if (shown) pictures[shown] = slot;
  }
  return { pictures, onPage };
}

/**
 * The log with new lines: in order, none twice.
 * @param {PageState} state
 * @param {Events} message
 */
function merged(state, message) {
  const fresh = message.reset || state.logOf !== message.conference;
  /** @type {Map<number, Recorded>} */
  const known = new Map(fresh ? [] : state.log.map((line) => [line.seq, line]));
  for (const line of message.events) known.set(line.seq, line);
  return [...known.values()].sort((a, b) => a.seq - b.seq).slice(-MAX_LOG);
}

/**
 * The point whose picture a slot shows now, or null.
 * @param {PageState} state
 * @param {string} slot
 */
export const shownIn = (state, slot) => state.shown[slot]?.shown ?? null;

/**
 * Whether this page's user directs, or would with the first command.
 * @param {PageState} state
 */
export const directs = ({ conference, mayDirect, user }) =>
  mayDirect && (conference?.director ?? user) === user;

/**
 * The line of the log by which somebody else took direction away from this page's user; null where
 * nobody did, or it is back.
 * @param {PageState} state
 * @returns {Recorded | null}
 */
export function takenFromMe(state) {
  for (const line of [...state.log].reverse()) {
    if (line.event.type !== "director") continue;
    if (line.event.user === state.user) return null;
    if (line.event.before === state.user) return line;
  }
  return null;
}

/**
 * @param {PageState} state
 * @param {string | null} id
 */
export const pointOf = (state, id) => state.points.find((point) => point.id === id) ?? null;

/** Height of a level bar, 0–1, from -dBov. @param {number | undefined} level */
export const loudness = (level) => (level === undefined ? 0 : Math.max(0, (70 - level) / 60));

/**
 * Seconds of the running turn that were used, at `now`.
 * @param {Floor} floor
 * @param {number} now
 */
export const spent = (floor, now) =>
  floor.used + (floor.since === null ? 0 : Math.max(0, now - floor.since));

/**
 * What a point is doing, as a key of the catalogue (state.*).
 * @param {PageState} state
 * @param {string} id
 */
export function standing(state, id) {
  const { conference } = state;
  const presence = state.presence[id] ?? "offline";
  if (presence === "in_session" && conference) {
    if (conference.floor?.point === id) return "speaking";
    if (conference.queue.some((request) => request.point === id)) return "requesting";
  }
  return presence;
}

/**
 * Sparklines with a value more.
 * @param {Record<string, number[]>} losses
 * @param {Record<string, Quality>} quality
 */
function longer(losses, quality) {
  /** @type {Record<string, number[]>} */
  const result = {};
  for (const [point, line] of Object.entries(quality)) {
    const lost = line.reach === "no" ? FULL : Math.max(line.up_loss, line.down_loss);
    result[point] = [...(losses[point] ?? []), lost / FULL].slice(-LOSSES);
  }
  return result;
}
