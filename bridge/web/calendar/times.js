// Times of the calendar as fields of a form have them, on the wall clock of the bridge. Pure.

/**
 * A time as <input type=datetime-local> has it.
 * @param {number} at  UTC seconds
 * @param {string} zone
 */
export function fieldOf(at, zone) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(new Date(at * 1000));
  /** @param {string} type */
  const part = (type) => parts.find((found) => found.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
}

/** What the bridge calls the time of a field. @param {string} field */
export const wallOf = (field) => field.replace("T", " ").slice(0, 16);
