// What a conference would take of the links, shown in the lobby before it starts.

/** @import { LinkPlan } from "../types/protocol.js" */
import { get } from "../common/api.js";
import { make, makeText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";

const KBIT = 1000; // kbit/s of a Mbit/s
const MOST = 20; // templates that are planned

/** @param {number} kbit */
const mbit = (kbit) => (kbit / KBIT).toFixed(1);

/** What a link has left, kbit/s. @param {LinkPlan["links"][number]} link */
const room = (link) => Math.max(0, link.budget - Math.max(link.taken_up, link.taken_down));

/**
 * The sentences of a plan: why it is refused, else what each link that is too thin has and what is
 * lowered there, else that everything fits. Pure but for the catalogue.
 * @param {LinkPlan} plan
 * @returns {{text: string, level: "bad" | "warn" | "good"}[]}
 */
export function planLines(plan) {
  if (plan.refused) return [{ text: pick(plan.refused), level: "bad" }];
  const order = ["full", "medium", "no_thumbnails", "no_content", "lowest", "sound"];
  const steps = Object.values(plan.points).map(({ up, down }) => Math.max(order.indexOf(up), order.indexOf(down)));
  const worst = order[Math.max(0, ...steps)];
  const less = plan.links.filter((link) => link.promised_down < link.need_down || link.promised_up < link.need_up);
  // Links on whose way another one is too thin get less as well, and are not the reason.
  const reasons = less.filter((link) => link.need_down > room(link) || link.need_up > room(link));
  const thin = reasons.length ? reasons : less;
  if (!thin.length) return [{ text: t("links.fit"), level: "good" }];
  return thin.map((link) => ({
    level: "warn",
    text: t("links.lowered", {
      link: pick(link.name),
      need: mbit(Math.max(link.need_up, link.need_down)),
      room: mbit(room(link)),
      step: worst === "full" ? t("links.fit") : t(`links.step.${worst}`),
    }),
  }));
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
