// Times, durations and shares as people write them. Pure but for the present language.

import { language, t } from "./i18n.js";

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** What each style of `timeText` adds to hours and minutes. @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  time: { second: "2-digit" },
  short: {},
  day: { weekday: "short", day: "2-digit", month: "2-digit" },
  date: { day: "2-digit", month: "2-digit", year: "numeric" },
};

/**
 * UTC seconds as text on the bridge's wall clock.
 * @param {number} at
 * @param {string} zone  of the bridge, as "Asia/Ho_Chi_Minh"
 * @param {"time" | "short" | "day" | "date"} [style]
 */
export function timeText(at, zone, style = "time") {
  const key = `${zone} ${style} ${language()}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language() === "vi" ? "vi-VN" : "en-GB", {
      timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false, ...STYLES[style],
    });
    formats.set(key, format);
  }
  return format.format(new Date(at * 1000));
}

const DAY = 86400; // s

/**
 * When the day of a moment began on the bridge's wall clock; UTC seconds.
 * @param {number} at  UTC seconds
 * @param {string} zone
 */
export function dayStart(at, zone) {
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  /** Seconds since midnight. @param {number} moment */
  const passed = (moment) => {
    const [hours, minutes, seconds] = clock.format(new Date(moment * 1000)).split(":").map(Number);
    return 3600 * hours + 60 * minutes + seconds;
  };
  const whole = Math.floor(at);
  const guess = whole - passed(whole);
  const off = passed(guess); // not 0 where the clocks were changed meanwhile
  return guess - (off > DAY / 2 ? off - DAY : off);
}

/** Seconds as m:ss, or h:mm:ss from an hour on. @param {number} seconds */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(hours ? 2 : 1, "0");
  const rest = `${minutes}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

/**
 * How long something lasts that may take days: "6 ngày 1 giờ", under a day as `clockText`.
 * @param {number} seconds
 */
export function spanText(seconds) {
  if (seconds < DAY) return clockText(seconds);
  const days = Math.floor(seconds / DAY);
  const hours = Math.floor((seconds % DAY) / 3600);
  const whole = t(days === 1 ? "span.day" : "span.days", { days: String(days) });
  if (!hours) return whole;
  return `${whole} ${t(hours === 1 ? "span.hour" : "span.hours", { hours: String(hours) })}`;
}

/**
 * A text without capitals and accents, for comparing what people type: "Kết thúc" is "ket thuc".
 * @param {string} text
 */
export const plain = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();

/** A text as one line: whatever is white, line breaks too, becomes a space. @param {string} text */
export const oneLine = (text) => text.replace(/\s+/g, " ").trim();

/**
 * A share (0–1) in percent; a dash where it is not known.
 * @param {number | null | undefined} share
 * @param {number} digits  after the point
 */
export function percent(share, digits) {
  if (share === null || share === undefined) return "–";
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${(100 * share).toLocaleString(language(), options)}\u00a0%`;
}

/** @type {Record<string, string>} Names of pictures that are not told by their lines. */
const PICTURES = { sound: "report.sound_only", shown: "picture.shown" };

/**
 * For how many minutes a point had which picture. @param {Record<string, number>} pictures  seconds by
 *   lines of the picture, "sound" where the line carried none, "shown" where its lines are not known
 */
export const picturesText = (pictures) =>
  Object.entries(pictures).map(([name, seconds]) =>
    `${name in PICTURES ? t(PICTURES[name]) : `${name}p`}: ${Math.max(1, Math.round(seconds / 60))} ${t("report.minutes")}`).join("; ");
