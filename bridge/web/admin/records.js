// What happened: incidents of the points, and the audit trail of what people did.

import { get, remove } from "../common/api.js";
import { byId, elementOf } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { t } from "../common/i18n.js";
import { zone } from "../common/zone.js";
import { button, table } from "./parts.js";

/** Make the choice of open incidents work. */
export function startRecords() {
  byId("open-only").addEventListener("change", () => loadIncidents());
}

export async function loadIncidents() {
  const open = elementOf("open-only", HTMLInputElement).checked ? 1 : undefined;
  const incidents = await get("/incidents", { open });
  table("incidents", ["admin.at", "room.point", "incident.title", "admin.state", "admin.do"],
    incidents.map(({ number, point, kind, note, since, until }) => [
      timeText(since, zone, "day"), point,
      `${t("incident.number", { number: String(number) })}: ${t(`incident.${kind}`)} ${note}`,
      until ? t("incident.until", { at: timeText(until, zone, "day") }) : t("admin.active"),
      kind === "fault" && !until
        ? button("incident.clear", () => remove("/incidents/{number}", { number }))
        : "–",
    ]));
}

export async function loadRules() {
  const rules = await get("/security");
  table("rules", ["admin.rule", "admin.value"], rules.map(({ setting, value }) => [setting, value]));
}

export async function loadAudit() {
  const lines = await get("/audit");
  table("audit", ["admin.at", "admin.actor", "admin.address", "admin.action", "admin.target", "admin.outcome"],
    lines.map((line) => [
      timeText(line.at, zone, "day"), line.actor, line.address, line.action, line.target, line.outcome,
    ]));
}
