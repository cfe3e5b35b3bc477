// Lines of a conference's log as sentences. Pure but for the catalogue.

/** @import { Event, Recorded } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
import { clockText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";

/**
 * What happened, and who did it where that was a person.
 * @param {Recorded} line
 * @param {PageState} state
 */
export function lineText(line, state) {
  const { type: _, ...fields } = line.event;
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
  const who = line.actor.startsWith("user:") ? ` · ${line.actor.slice(5)}` : "";
  return t(`event.${variantOf(line.event)}`, values) + who;
}

/** The event's name in the catalogue: some have a sentence for on and one for off. @param {Event} event */
function variantOf(event) {
  switch (event.type) {
    case "microphones":
      return `microphones_${event.open ? "open" : "closed"}`;
    case "camera":
      return `camera_${event.off ? "off" : "on"}`;
    case "locked":
      return `locked_${event.locked ? "on" : "off"}`;
    case "banner":
      return `banner_${event.text ? "on" : "off"}`;
    case "self_muted":
      return `self_muted_${event.muted ? "on" : "off"}`;
    case "previewed":
      return event.point === null ? "previewed_off" : "previewed";
    default:
      return event.type;
  }
}
