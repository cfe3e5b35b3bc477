// The report of a conference, as a page; as CSV and PDF from the bridge.

/** @import { NamedReport, PointRow } from "../types/protocol.js" */
import { get } from "../common/api.js";
import { byId, elementOf, make, makeHeader, makeText } from "../common/dom.js";
import { clockText, picturesText, timeText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";
import { SignedMinutes } from "./signed.js";
import { choiceText, resultText } from "../common/vote.js";

const COLUMNS = ["point", "expected", "joined", "left", "present", "drops", "turns", "floor", "up", "down", "pictures"];
const id = new URLSearchParams(location.search).get("id") ?? "";
/** @type {NamedReport | null} */
let shown = null;
const signed = new SignedMinutes(id);

await startLanguage(render);
await whoami(byId("login"));
try {
  shown = await get("/conferences/{id}/report", { id });
  await signed.load();
} catch (error) {
  byId("error").textContent = errorText(error);
}
render();

/** The level that lasted longest. @param {Record<string, number>} levels  seconds by level */
function commonest(levels) {
  const known = Object.entries(levels).filter(([level]) => level !== "unknown");
  return known.sort((a, b) => b[1] - a[1])[0]?.[0] ?? "unknown";
}

/** A time of the day, or a dash. @param {number | null} seconds @param {string} zone */
function at(seconds, zone) {
  return seconds === null ? "–" : timeText(seconds, zone);
}

function render() {
  if (!shown) return;
  const { report, names, zone, proof } = shown;
  byId("report").hidden = false;
  byId("title").textContent = pick(report.title);
  document.title = pick(report.title);
  for (const kind of ["csv", "pdf"]) {
    const link = elementOf(kind, HTMLAnchorElement);
    link.href = `/api/v1/conferences/${encodeURIComponent(id)}/report?format=${kind}&language=${language()}`;
  }
  for (const kind of ["docx", "pdf"]) {
    // An administrative document is in Vietnamese, whatever the page speaks.
    elementOf(`minutes-${kind}`, HTMLAnchorElement).href = `/api/v1/conferences/${encodeURIComponent(id)}/minutes.${kind}`;
  }
  signed.render(zone);
  const facts = byId("facts");
  facts.replaceChildren();
  const expected = report.points.filter((row) => row.expected);
  const came = expected.filter((row) => row.joined_at !== null);
  for (const [key, value] of [
    ["opened", timeText(report.opened_at, zone, "day")],
    ["started", at(report.started_at, zone)],
    ["ended", at(report.ended_at, zone)],
    ["attendance", `${came.length}/${expected.length}`],
    ["directors", report.directors.join(", ") || "–"],
    ["recording", t(`report.recording_${report.recording}`)],
    ...(report.audience_peak
      ? [["audience", t("report.audience_of", { peak: String(report.audience_peak), minutes: report.audience_minutes.toFixed(0) })]]
      : []),
  ]) {
    makeText("dt", "", t(`report.${key}`), facts);
    makeText("dd", "", value, facts);
  }
  for (const { title, version, pages, shown_seconds, sha256 } of report.papers) {
    makeText("dt", "", t("report.paper", { title, version: String(version) }), facts);
    makeText("dd", "", t("report.paper_facts", { pages: String(pages), shown: clockText(shown_seconds), sha256 }), facts);
  }
  for (const { point, name, joined_at, present_seconds } of report.members) {
    makeText("dt", "", `${pick(names[point]) || point}: ${pick(name)}`, facts);
    const there = { joined: at(joined_at, zone), present: clockText(present_seconds) };
    makeText("dd", "", t(joined_at === null ? "report.never_came" : "report.member", there), facts);
  }
  for (const item of report.items) {
    makeText("dt", "", item.title, facts);
    const planned = item.minutes === null ? "–" : clockText(item.minutes * 60);
    const times = { began: at(item.began_at, zone), length: clockText(item.seconds), minutes: planned };
    makeText("dd", "", t("report.item_time", times), facts);
  }
  for (const { number, title, text } of report.decisions) {
    makeText("dt", "", `${t("report.decision", { number: String(number) })}${title ? ` – ${title}` : ""}`, facts);
    makeText("dd", "", text, facts);
  }
  for (const vote of report.votes) {
    makeText("dt", "", t("report.vote", { number: String(vote.number), title: vote.title }), facts);
    const open = t(vote.stage === "cancelled" ? "vote.cancelled" : "report.vote_open");
    makeText("dd", "", vote.result ? resultText(vote, vote.result) : open, facts);
    const ballots = Object.entries(vote.ballots).map(([point, { choice }]) => `${pick(names[point]) || point}: ${choiceText(vote, choice)}`);
    const unsigned = Object.entries(vote.ballots).filter(([, ballot]) => !ballot.key).map(([point]) => point);
    const nameAll = (/** @type {readonly string[]} */ points) => points.map((point) => pick(names[point]) || point).join(", ");
    for (const [key, text] of [
      ["ballots", ballots.join(" · ")], ["secretly", nameAll(vote.secretly)], ["unsigned", nameAll(unsigned)],
    ]) {
      if (!text) continue;
      makeText("dt", "", t(`report.vote_${key}`), facts);
      makeText("dd", "", text, facts);
    }
  }
  makeText("dt", "", t("report.proof_head"), facts);
  makeText("dd", "", proof ? `${proof.head} (${proof.events})` : t("report.proof_none"), facts);
  for (const [key, value] of proof ? [["signature", proof.signature], ["key", proof.key]] : []) {
    makeText("dt", "", t(`report.proof_${key}`), facts);
    makeText("dd", "", value, facts);
  }
  const table = byId("table");
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table));
  for (const name of COLUMNS) makeHeader(t(`report.column_${name}`), "col", head);
  const body = make("tbody", "", table);
  for (const row of report.points) {
    const line = make("tr", "", body);
    line.dataset.point = row.point;
    for (const text of cellsOf(row, zone, pick(names[row.point]))) makeText("td", "", text, line);
  }
}

/** The cells of a point's row, as in COLUMNS. @param {PointRow} row @param {string} zone @param {string} name */
function cellsOf(row, zone, name) {
  const drops = row.interruptions.map((gap) => `${at(gap.at, zone)}–${at(gap.until, zone)}`).join("; ");
  return [
    name || row.point,
    t(row.expected ? "report.yes" : "report.no"),
    at(row.joined_at, zone),
    at(row.left_at, zone),
    clockText(row.present_seconds),
    row.joined_at === null ? t("report.never_came") : drops,
    String(row.turns),
    clockText(row.floor_seconds),
    t(`quality.${commonest(row.up)}`),
    t(`quality.${commonest(row.down)}`),
    picturesText(row.pictures),
  ];
}
