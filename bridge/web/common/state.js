// What a page knows, as a pure reducer: (state, message) → state.

/**
 * @typedef {{vi: string, en: string}} Sentence
 * @typedef {{id: string, name: Sentence, tier: string, chair: boolean, observer: boolean}} Point
 * @typedef {{wanted: string | null, shown: string | null, layer: string}} SlotView
 * @typedef {{present: boolean, called: boolean, connect: string, microphone: boolean,
 *   open: boolean, locked: boolean, self_muted: boolean, camera_off: boolean, dropped: boolean,
 *   floor_seconds: number, problem: Sentence | null}} Seat
 * @typedef {{point: string, since: number | null, used: number, limit: number | null,
 *   warned: number | null}} Floor
 * @typedef {{point: string, number: number, at: number}} Request
 * @typedef {object} Conference
 * @property {string} id
 * @property {number} seq
 * @property {Sentence} title
 * @property {"open" | "live" | "ended"} phase
 * @property {string} chair
 * @property {string[]} points
 * @property {string[]} expected
 * @property {number} opened_at
 * @property {number | null} started_at
 * @property {number | null} start
 * @property {number | null} end
 * @property {string} on_air
 * @property {string | null} preview
 * @property {string} layout
 * @property {string[]} panes
 * @property {string | null} content
 * @property {Floor | null} floor
 * @property {Request[]} queue
 * @property {string[] | null} roll_call
 * @property {string | null} director
 * @property {boolean} closed
 * @property {string} recording
 * @property {boolean} free_floor
 * @property {boolean} end_near
 * @property {string} banner
 * @property {Record<string, string>} banners
 * @property {Record<string, Seat>} seats
 *
 * @typedef {{camera: boolean, microphone: boolean, sending: boolean, sharing: boolean,
 *   layout: string}} Room
 * @typedef {{up: string, down: string, up_loss: number, down_loss: number, rtt_ms: number,
 *   at: number, reach: string, up_variation: number | null, down_variation: number | null,
 *   silent: number, maintenance: boolean, incidents: number}} Quality
 * @typedef {{id: string, title: Sentence, phase: string, points: number, present: number,
 *   director: string | null}} Summary
 * @typedef {{template: string, title: Sentence, start: number, end: number}} Upcoming
 * @typedef {{conference: string, seq: number, at: number, actor: string, reason: string,
 *   event: any}} Recorded
 * @typedef {object} PageState
 * @property {string | null} self
 * @property {string} user
 * @property {string} role
 * @property {Sentence | null} bridge
 * @property {string} contact
 * @property {string} zone
 * @property {Point[]} points
 * @property {{video: string[], audio: string[]}} slots
 * @property {any[]} layers
 * @property {boolean} mayDirect
 * @property {[string, string][]} usage
 * @property {string} programme
 * @property {Record<string, string>} presence
 * @property {Record<string, SlotView>} shown
 * @property {Record<string, number>} levels
 * @property {Conference | null} conference
 * @property {Summary[]} conferences
 * @property {Record<string, Room>} rooms
 * @property {Upcoming[]} upcoming
 * @property {Record<string, Quality>} lines
 * @property {Record<string, number[]>} losses  share lost (the worse direction, 0.1 fills the
 *   sparkline), a value a second, oldest first
 * @property {{at: number, sentence: Sentence}[]} notices
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
  levels: {},
  conference: null,
  conferences: [],
  rooms: {},
  upcoming: [],
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
 * @param {any} message
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
        now: message.now,
      };
    case "state":
      return {
        ...state,
        programme: message.programme,
        presence: message.points,
        shown: message.slots,
        conference: message.conference,
        conferences: message.conferences,
        rooms: message.rooms,
        upcoming: message.upcoming,
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
 * The log with new lines: in order, none twice.
 * @param {PageState} state
 * @param {{conference: string, events: Recorded[], reset: boolean}} message
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

/** Seconds as m:ss. @param {number} seconds */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${String(Math.floor(whole / 60) % 60).padStart(hours ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

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
