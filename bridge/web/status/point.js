// What is known of a point: its three lamps with what to do, its incidents, the room PC, and the
// conferences that come and were.

/** @import { Incident, Lamp, LastConference, PointStatus, Upcoming } from "../types/protocol.js" */
import { remove } from "../common/api.js";
import { make, makeText } from "../common/dom.js";
import { percent, spanText, timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { zone } from "../common/zone.js";


/** @type {Record<string, string>} */
const ICONS = { good: "✔", warn: "!", bad: "✖", unknown: "?" };

/**
 * @typedef {object} Box  the part of the page that is about one point
 * @property {HTMLElement} live  made anew when it changes
 * @property {HTMLDetailsElement} traffic
 * @property {HTMLElement} tools
 * @property {HTMLElement} charts
 * @property {HTMLElement} said  what came of the last thing that was done
 * @property {number} charted  when the charts were drawn last, UTC seconds
 *
 * @typedef {(work: () => Promise<string | void>) => void} Attempt  does something, and says what
 *   came of it
 */

/** @param {PointStatus} point @param {Box} box @param {Attempt} attempt */
export function showPoint(point, box, attempt) {
  const fresh = make("div");
  makeText("p", "joined", t(`state.${point.state}`), fresh);
  if (point.maintenance) {
    const { until } = point.maintenance;
    const at = until ? timeText(until, zone, "day") : "–";
    makeText("p", "silenced", t("status.maintenance_until", { at }), fresh);
  }
  const lamps = make("ul", "lamps", fresh);
  for (const lamp of point.lamps) showLamp(lamp, lamps);
  if (point.incidents.length) showIncidents(point.incidents, fresh, attempt);
  showAgent(point, fresh);
  if (point.next) showNext(point.next, point.now, fresh);
  if (point.last.length) showLast(point.last, fresh);
  // Only where something changed: screen readers and people in the middle of reading.
  const levels = [...point.lamps, ...point.incidents].map(({ level }) => level).join();
  if (fresh.textContent !== box.live.textContent || box.live.dataset.levels !== levels) {
    box.live.replaceChildren(...fresh.childNodes);
    box.live.dataset.levels = levels;
  }
}

/** @param {Lamp} lamp @param {Element} list */
function showLamp(lamp, list) {
  const row = make("li", "", list);
  row.dataset.level = lamp.level;
  row.dataset.lamp = lamp.name;
  makeText("span", "icon", ICONS[lamp.level], row).setAttribute("aria-hidden", "true");
  const text = make("div", "", row);
  makeText("strong", "", `${t(`lamp.${lamp.name}`)}: ${t(`lamp.level_${lamp.level}`)}. `, text);
  text.append(pick(lamp.sentence));
  if (!lamp.steps.length) return;
  makeText("p", "do", t("status.steps"), text);
  const steps = make("ol", "steps", text);
  for (const step of lamp.steps) makeText("li", "", pick(step), steps);
}

/** @param {Incident[]} incidents @param {Element} root @param {Attempt} attempt */
function showIncidents(incidents, root, attempt) {
  const list = make("ul", "incidents", root);
  for (const { number, kind, level, since } of incidents) {
    const row = make("li", "", list);
    row.dataset.level = level;
    const begun = t("incident.since", { at: timeText(since, zone, "day") });
    row.append(`${t("incident.number", { number: String(number) })}: ${t(`incident.${kind}`)}, ${begun}. `);
    if (kind !== "fault") continue;
    const over = makeText("button", "", t("incident.clear"), row);
    over.addEventListener("click", () => attempt(() => remove("/incidents/{number}", { number })));
  }
}

/** The room PC. @param {PointStatus} point @param {Element} root */
function showAgent({ agent }, root) {
  if (!agent) makeText("p", "hint", t("status.agent_away"), root);
  if (!agent?.report) return;
  const { machine, devices, steered } = agent.report;
  const shares = { cpu: percent(machine.cpu, 0), memory: percent(machine.memory, 0), disk: percent(machine.disk, 0) };
  makeText("p", "hint", t("status.agent", shares), root);
  const names = devices.map((device) => device.name).join(", ");
  makeText("p", "hint", t("status.devices", { devices: names || "–" }), root);
  if (steered.state && steered.state !== "unknown") makeText("p", "hint", t(`status.camera_${steered.state}`), root);
}

/** @param {Upcoming} next @param {number} now @param {Element} root */
function showNext(next, now, root) {
  const at = timeText(next.start, zone, "day");
  makeText("p", "", t("status.next", { title: pick(next.title), at, left: spanText(next.start - now) }), root);
}

/** @param {LastConference[]} last @param {Element} root */
function showLast(last, root) {
  makeText("h3", "", t("status.last"), root);
  const list = make("ul", "last", root);
  for (const item of last) {
    const joined = item.joined ? t("status.drops", { drops: String(item.drops) }) : t("report.never_came");
    makeText("li", "", `${timeText(item.opened_at, zone, "day")} · ${pick(item.title)} · ${joined}`, list);
  }
}
