// A point that is another bridge: what it is sent of ours, and the request for the floor there.

/** @import { Orders } from "./orders.js" */
/** @import { PageState } from "../common/state.js" */
/** @import { Row } from "../common/traffic.js" */
import { byId, make, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { directs, pointOf } from "../common/state.js";

const PROGRAMME = ""; // in place of a point: what every point is sent
const ALL = "";

/** The controls in the panel of such a point. */
export class OtherBridge {
  /** @param {Orders} orders */
  constructor(orders) {
    /** The point that they are of; "": none. */
    this.point = "";
    this.root = byId("point-bridge");
    this.sends = /** @type {HTMLSelectElement} */ (byId("bridge-sends"));
    this.asks = /** @type {HTMLSelectElement} */ (byId("bridge-asks"));
    this.ask = /** @type {HTMLButtonElement} */ (byId("bridge-ask"));
    this.asked = false;
    this.sends.addEventListener("change", () => {
      orders.command({ type: "send_picture", point: this.point, shows: this.sends.value || null });
    });
    this.ask.addEventListener("click", () => {
      const { point } = this;
      if (this.asked) orders.command({ type: "take_back", point });
      else orders.command({ type: "ask_there", point, of: this.asks.value || null });
    });
  }

  /** @param {PageState} state @param {string} point */
  render(state, point) {
    const bridge = state.conference?.peers?.[point];
    this.root.hidden = bridge === undefined;
    if (!bridge) return;
    this.point = point;
    this.asked = bridge.asked !== null;
    const others = (state.conference?.points ?? []).filter((id) => id !== point);
    const names = others.map((id) => [id, pick(pointOf(state, id)?.name)]);
    choices(this.sends, [[PROGRAMME, t("peer.programme")], ...names], bridge.picture ?? PROGRAMME);
    if (!this.asked) choices(this.asks, [[ALL, t("peer.all_of_us")], ...names], this.asks.value);
    this.asks.disabled = this.asked;
    const mine = directs(state);
    this.sends.disabled = !mine;
    this.ask.disabled = !mine || (!this.asked && !state.conference?.seats[point]?.present);
    setText(this.ask, t(this.asked ? "peer.take_back" : "peer.ask"));
  }
}

/** @param {HTMLSelectElement} select @param {string[][]} named  value and text @param {string} value */
function choices(select, named, value) {
  refill(select, [named, language()], () => {
    for (const [id, name] of named) {
      const option = make("option", "", select);
      if (option instanceof HTMLOptionElement) Object.assign(option, { value: id, textContent: name });
    }
  });
  if (select.value !== value) select.value = value;
}

/**
 * What is known of another bridge, for the panel of its point.
 * @param {{ state: PageState, point: string }} about
 * @returns {Row[]}
 */
export function bridgeRows({ state, point }) {
  const bridge = state.conference?.peers?.[point];
  if (!bridge) return [];
  const rows = [
    { label: t("peer.is_sent"), text: bridge.picture === null ? t("peer.programme") : pick(pointOf(state, bridge.picture)?.name) },
  ];
  if (bridge.members) rows.push({ label: t("peer.members"), text: t("peer.present", { present: String(bridge.present), members: String(bridge.members) }) });
  if (bridge.asked !== null) rows.push({ label: t("peer.asked"), text: `${nameOf(state, bridge.asked)} (${t(`peer.floor_${bridge.floor}`)})` });
  else if (bridge.floor === "given") rows.push({ label: t("peer.asked"), text: t("peer.floor_given") });
  return rows;
}

/** Who asks for the floor through another bridge, behind its name in the queue; "" for itself. @param {PageState} state @param {string} point */
export const asksFor = (state, point) => {
  const of = state.conference?.peers?.[point]?.asking ?? "";
  return of ? ` (${of})` : "";
};

/** @param {PageState} state @param {string} point */
const nameOf = (state, point) => (point ? pick(pointOf(state, point)?.name) : t("peer.all_of_us"));
