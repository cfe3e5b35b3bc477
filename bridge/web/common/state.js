// What a page knows, as a pure reducer: (state, message) → state.

/**
 * @typedef {{id: string, name: {vi: string, en: string}, tier: string, chair: boolean}} Point
 * @typedef {{wanted: string | null, shown: string | null, layer: string}} SlotView
 * @typedef {object} PageState
 * @property {string | null} self
 * @property {{vi: string, en: string} | null} title
 * @property {{vi: string, en: string} | null} bridge
 * @property {Point[]} points
 * @property {{video: string[], audio: string[]}} slots
 * @property {any[]} layers
 * @property {boolean} mayTake
 * @property {string} onAir
 * @property {string} programme
 * @property {Record<string, string>} presence
 * @property {Record<string, SlotView>} shown
 * @property {Record<string, number>} levels
 */

/** @type {PageState} */
export const initial = Object.freeze({
  self: null,
  title: null,
  bridge: null,
  points: [],
  slots: { video: [], audio: [] },
  layers: [],
  mayTake: false,
  onAir: "",
  programme: "",
  presence: {},
  shown: {},
  levels: {},
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
        title: message.title,
        bridge: message.bridge,
        points: message.points,
        slots: message.slots,
        layers: message.layers,
        mayTake: message.may_take,
      };
    case "state":
      return {
        ...state,
        onAir: message.on_air,
        programme: message.programme,
        presence: message.points,
        shown: message.slots,
      };
    case "levels":
      return { ...state, levels: message.levels };
    default:
      return state;
  }
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
