// A template of conferences as the values of a form, and back. What the form has no field for is kept.
// Pure.

import { entriesOf, textOf } from "../common/agenda.js";

/**
 * A matter on the agenda of a template.
 * @typedef {{title: string, point?: string, minutes?: number}} TemplateItem
 */

/**
 * How minutes are headed, where it is not as in the topology.
 * @typedef {object} Heading
 * @property {string | null} [superior]
 * @property {string | null} [agency]
 * @property {string | null} [symbol]
 * @property {string | null} [place]
 * @property {string | null} [chair_title]
 * @property {string | null} [secretary_title]
 * @property {string[]} [recipients]
 */

/**
 * A template as the interface has it; what is left out has its default.
 * @typedef {object} Template
 * @property {string} [id]
 * @property {{vi: string, en?: string}} title
 * @property {string} [chair]
 * @property {string[]} [points]
 * @property {string[]} [expected]
 * @property {number} [opening_minutes]
 * @property {string} [start]
 * @property {string} [layout]
 * @property {{all_muted?: boolean, floor?: string, recording?: string, audience?: string, speaking_seconds?: number, keep_days?: number, recording_for?: string, recording_voices?: boolean}} [rules]
 * @property {{start: string, minutes?: number, rule?: string, exceptions?: string[]}} [schedule]
 * @property {TemplateItem[]} [agenda]
 * @property {Heading} [minutes]
 */

/**
 * What stands in the form. `points` and `expected` are those that are ticked.
 * @typedef {object} Values
 * @property {string} id
 * @property {string} vi
 * @property {string} en
 * @property {string} chair  "" for that of the topology
 * @property {string} layout
 * @property {string[]} points
 * @property {string[]} expected
 * @property {boolean} all_muted
 * @property {boolean} free
 * @property {boolean} forbidden
 * @property {boolean} automatic
 * @property {boolean} voices  whether each voice is recorded, too
 * @property {string} audience  who may watch
 * @property {string} seen_by  who sees its recordings
 * @property {string} keep  days of a recording, "" for ever
 * @property {string} speaking
 * @property {boolean} planned
 * @property {string} start  as <input type=datetime-local> has it
 * @property {string} minutes
 * @property {string} repeat
 * @property {string} rule
 * @property {string} exceptions
 * @property {string} opening
 * @property {boolean} on_time
 * @property {string} agenda  a line an item, as the console has it
 * @property {string} superior  of the minutes, as what follows; "" as in the topology
 * @property {string} agency
 * @property {string} symbol
 * @property {string} place
 * @property {string} chair_title
 * @property {string} secretary_title
 * @property {string} recipients  a line each
 */

/** Texts of the minutes' head, each with a field of its name. */
export const HEADING = /** @type {const} */ (["superior", "agency", "symbol", "place", "chair_title", "secretary_title"]);
const FIELDS = ["id", "title", "chair", "points", "expected", "opening_minutes", "start", "layout", "rules", "schedule", "agenda", "minutes"];
const RULES = ["all_muted", "floor", "recording", "audience", "speaking_seconds", "recording_voices", "recording_for", "keep_days"];

/** What an object has beside some names. @param {object | undefined} from @param {readonly string[]} names */
const others = (from, names) => Object.fromEntries(Object.entries(from ?? {}).filter(([name]) => !names.includes(name)));

const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/** What the form offers by name; anything else is an RRULE (RFC 5545) to be typed. */
export const REPEATS = ["once", "daily", ...DAYS.map((day) => `weekly-${day}`), "other"];

/** @param {string} repeat @param {string} rule  of "other" */
export function ruleOf(repeat, rule) {
  if (repeat === "daily") return "FREQ=DAILY";
  if (repeat.startsWith("weekly-")) return `FREQ=WEEKLY;BYDAY=${repeat.slice(7)}`;
  return repeat === "other" ? rule.trim() : "";
}

/** @param {string} rule */
export function repeatOf(rule) {
  if (!rule) return "once";
  return REPEATS.find((repeat) => repeat !== "other" && ruleOf(repeat, "") === rule) ?? "other";
}

/** @param {Template} template @param {string[]} all  the points there are @returns {Values} */
export function valuesOf(template, all) {
  const { rules = {}, schedule } = template;
  const points = template.points?.length ? template.points : all;
  const rule = schedule?.rule ?? "";
  return {
    id: template.id ?? "",
    vi: template.title.vi,
    en: template.title.en ?? "",
    chair: template.chair ?? "",
    layout: template.layout ?? "speaker",
    points,
    expected: template.expected?.length ? template.expected : points,
    all_muted: rules.all_muted ?? true,
    free: rules.floor === "free",
    forbidden: rules.recording === "forbidden",
    automatic: rules.recording === "automatic",
    voices: rules.recording_voices ?? false,
    audience: rules.audience ?? "nobody",
    seen_by: rules.recording_for ?? "watch",
    keep: rules.keep_days ? String(rules.keep_days) : "",
    speaking: rules.speaking_seconds ? String(rules.speaking_seconds) : "",
    planned: Boolean(schedule),
    start: schedule ? schedule.start.replace(" ", "T") : "",
    minutes: String(schedule?.minutes ?? 90),
    repeat: repeatOf(rule),
    rule,
    exceptions: (schedule?.exceptions ?? []).join(", "),
    opening: String(template.opening_minutes ?? 60),
    on_time: template.start === "on_time",
    agenda: textOf((template.agenda ?? []).map((item) => ({ number: 0, title: item.title, point: item.point ?? null, minutes: item.minutes ?? null }))),
    superior: template.minutes?.superior ?? "",
    agency: template.minutes?.agency ?? "",
    symbol: template.minutes?.symbol ?? "",
    place: template.minutes?.place ?? "",
    chair_title: template.minutes?.chair_title ?? "",
    secretary_title: template.minutes?.secretary_title ?? "",
    recipients: (template.minutes?.recipients ?? []).join("\n"),
  };
}

/** The agenda as it was written. @param {Values} values @param {readonly TemplateItem[]} before  as it was */
function agendaOf(values, before) {
  return entriesOf(values.agenda).map(({ title, point, minutes }) => ({
    ...others(before.find((item) => item.title === title), ["title", "point", "minutes"]),
    title,
    ...(point ? { point } : {}),
    ...(minutes === null ? {} : { minutes }),
  }));
}

/** What differs from the topology's minutes. @param {Values} values @param {Heading} [before]  as it was */
function headingOf(values, before) {
  const found = /** @type {Record<string, unknown>} */ (others(before, [...HEADING, "recipients"]));
  for (const name of HEADING) {
    const said = values[name].trim();
    if (said) found[name] = said;
    else if (before?.[name] === null) found[name] = null; // it is to be empty, whatever the topology says
  }
  const recipients = values.recipients.split("\n").map((line) => line.trim()).filter(Boolean);
  if (recipients.length) found.recipients = recipients;
  return found;
}

/**
 * The template that stands in the form.
 * @param {Values} values
 * @param {string[]} all  the points there are
 * @param {Partial<Template>} [before]  the template that was put into the form
 * @returns {Template}
 */
export function templateOf(values, all, before = {}) {
  const everybody = values.points.length === all.length;
  const points = everybody ? [] : values.points;
  const expected = values.expected.filter((point) => values.points.includes(point));
  const rule = ruleOf(values.repeat, values.rule);
  const exceptions = values.exceptions.split(/[\s,;]+/).filter(Boolean);
  const agenda = agendaOf(values, before.agenda ?? []);
  const heading = headingOf(values, before.minutes);
  return {
    ...others(before, FIELDS),
    title: { vi: values.vi.trim(), ...(values.en.trim() ? { en: values.en.trim() } : {}) },
    ...(values.chair ? { chair: values.chair } : {}),
    points,
    expected: expected.length === values.points.length ? [] : expected,
    opening_minutes: Number(values.opening),
    start: values.on_time ? "on_time" : "by_hand",
    layout: values.layout,
    rules: {
      ...others(before.rules, RULES),
      all_muted: values.all_muted,
      floor: values.free ? "free" : "request",
      recording: values.forbidden ? "forbidden" : values.automatic ? "automatic" : "allowed",
      ...(values.audience === "nobody" ? {} : { audience: values.audience }),
      ...(values.speaking ? { speaking_seconds: Number(values.speaking) } : {}),
      ...(values.voices ? { recording_voices: true } : {}),
      ...(values.seen_by !== "watch" ? { recording_for: values.seen_by } : {}),
      ...(values.keep ? { keep_days: Number(values.keep) } : {}),
    },
    ...(values.planned
      ? {
        schedule: {
          start: values.start.replace("T", " ").slice(0, 16),
          minutes: Number(values.minutes),
          ...(rule ? { rule } : {}),
          exceptions,
        },
      }
      : {}),
    ...(agenda.length ? { agenda } : {}),
    ...(Object.keys(heading).length ? { minutes: heading } : {}),
  };
}
