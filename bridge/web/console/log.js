// Lines of the log as sentences. Pure but for the catalogue.

import { pick, t } from "../common/i18n.js";
import { clockText, pointOf } from "../common/state.js";

/**
 * @param {import("../common/state.js").Recorded} line
 * @param {import("../common/state.js").PageState} state
 */
export function lineText(line, state) {
  const { type, ...fields } = line.event;
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === "point" || name === "previous") values[name] = pick(pointOf(state, String(value))?.name) || "–";
    else if (name === "points" && Array.isArray(value)) {
      values[name] = value.map((id) => pick(pointOf(state, id)?.name)).join(", ");
    } else if (name === "layout") values[name] = t(`layout.${value}`);
    else if (name === "up" || name === "down") values[name] = t(`quality.${value}`);
    else if (name === "seconds" || name === "limit" || name === "left") values[name] = clockText(Number(value));
    else values[name] = String(value ?? "–");
  }
  const variant =
    type === "microphones" ? `${type}_${fields.open ? "open" : "closed"}`
    : type === "camera" ? `${type}_${fields.off ? "off" : "on"}`
    : type === "locked" ? `${type}_${fields.locked ? "on" : "off"}`
    : type === "banner" ? `${type}_${fields.text ? "on" : "off"}`
    : type === "self_muted" ? `${type}_${fields.muted ? "on" : "off"}`
    : type === "previewed" && fields.point === null ? "previewed_off"
    : type;
  const who = line.actor.startsWith("user:") ? ` · ${line.actor.slice(5)}` : "";
  return t(`event.${variant}`, values) + who;
}
