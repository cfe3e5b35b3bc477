// What a conference would take of the links, shown in the lobby before it starts.

/** @import { LinkPlan } from "../types/protocol.js" */
import { get } from "../common/api.js";
import { make, makeText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";

const KBIT = 1000; // kbit/s of a Mbit/s
const MOST = 20; // templates that are planned

/** @param {number} kbit */
const mbit = (kbit) => (kbit / KBIT).toFixed(1);

/**
 * What a conference needs of a link and what that has left, kbit/s, in the direction that is shorter.
 * @param {LinkPlan["links"][number]} link
 */
function shortest(link) {
  const down = { need: link.need_down, room: link.budget - link.taken_down };
  const up = { need: link.need_up, room: link.budget - link.taken_up };
  const { need, room } = up.need - up.room > down.need - down.room ? up : down;
  return { need, room: Math.max(0, room) };
}

/**
 * The sentences of a plan: why it is refused, else what each link that is too thin has and what is
 * lowered there, else that everything fits. Pure but for the catalogue.
 * @param {LinkPlan} plan
 * @returns {{text: string, level: "bad" | "warn" | "good"}[]}
 */
export function planLines(plan) {
  if (plan.refused) return [{ text: pick(plan.refused), level: "bad" }];
  // Links on whose way another one is too thin get less as well, and are not the reason.
  const reasons = plan.links.filter((link) => link.lowered !== "full" && shortest(link).need > shortest(link).room);
  if (!reasons.length) return [{ text: t("links.fit"), level: "good" }];
  return reasons.map((link) => {
    const { need, room } = shortest(link);
    const step = t(`links.step.${link.lowered}`);
    return { level: "warn", text: t("links.lowered", { link: pick(link.name), need: mbit(need), room: mbit(room), step }) };
  });
}

/**
 * The plans of templates, by template; one that does not come is left out: the bridge plans again when
 * the conference is opened.
 * @param {string[]} templates
 */
export async function plansOf(templates) {
  /** @type {Map<string, LinkPlan>} */
  const plans = new Map();
  for (const id of templates.slice(0, MOST)) {
    try {
      plans.set(id, await get("/templates/{id}/plan", { id }));
    } catch {
      break;
    }
  }
  return plans;
}

/** Show a plan in a row of the lobby. @param {LinkPlan | undefined} plan @param {HTMLElement} row */
export function showPlan(plan, row) {
  if (!plan) return;
  const box = make("div", "link-plan", row);
  for (const { text, level } of planLines(plan)) makeText("div", level, text, box);
}
