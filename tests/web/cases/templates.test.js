import assert from "node:assert/strict";
import { test } from "node:test";
import { REPEATS, repeatOf, ruleOf, templateOf, valuesOf } from "../../../bridge/web/templates/values.js";

const ALL = ["huyen", "xa-a", "xa-b"];
const BRIEFING = {
  id: "giao-ban",
  title: { vi: "Họp giao ban", en: "Briefing" },
  chair: "huyen",
  points: ["huyen", "xa-a"],
  expected: ["xa-a"],
  opening_minutes: 30,
  start: "on_time",
  layout: "grid",
  rules: { all_muted: false, floor: "free", recording: "forbidden", audience: "code", speaking_seconds: 300 },
  schedule: { start: "2026-11-23 07:30", minutes: 45, rule: "FREQ=WEEKLY;BYDAY=MO", exceptions: ["2026-12-28"] },
  agenda: [
    { title: "Khai mạc", minutes: 5 },
    { title: "Thu ngân sách tháng 11", point: "xa-a", minutes: 15 },
    { title: "30 ngày cao điểm" },
    { title: "Ý kiến", point: "xa-b" },
  ],
  minutes: { superior: "UBND TỈNH", symbol: "BB-UBND", recipients: ["Thường trực", "Lưu: VT"] },
};

test("a template goes through the form as it is", () => {
  const { id, ...rest } = BRIEFING;
  const values = valuesOf(BRIEFING, ALL);
  assert.equal(values.id, id);
  assert.equal(values.start, "2026-11-23T07:30");
  assert.equal(values.repeat, "weekly-MO");
  assert.deepEqual(templateOf(values, ALL), rest);
});

test("what a template says of recording is found again", () => {
  for (const recording of ["allowed", "forbidden", "automatic"]) {
    const rules = { all_muted: true, floor: "request", recording, recording_for: "admin", recording_voices: true, keep_days: 90 };
    assert.deepEqual(templateOf(valuesOf({ title: { vi: "Họp" }, rules }, ALL), ALL).rules, rules);
  }
  const both = { ...valuesOf({ title: { vi: "Họp" } }, ALL), forbidden: true, automatic: true };
  assert.equal(templateOf(both, ALL).rules?.recording, "forbidden", "what is forbidden counts");
});

test("who is not named takes part, and must come", () => {
  const values = valuesOf({ title: { vi: "Họp" } }, ALL);
  assert.deepEqual([values.points, values.expected], [ALL, ALL]);
  const made = templateOf(values, ALL);
  assert.deepEqual([made.points, made.expected], [[], []], "points that are added later, too");
  assert.equal("schedule" in made, false);
  assert.deepEqual(made.rules, { all_muted: true, floor: "request", recording: "allowed" });
});

test("who does not take part need not come", () => {
  const values = { ...valuesOf({ title: { vi: "Họp" } }, ALL), points: ["huyen", "xa-a"], expected: ALL };
  assert.deepEqual(templateOf(values, ALL).expected, [], "all that take part");
  values.expected = ["xa-a", "xa-b"];
  assert.deepEqual(templateOf(values, ALL).expected, ["xa-a"]);
});

test("every repetition of the form is found again, and any other stays as it was typed", () => {
  for (const repeat of REPEATS) {
    if (repeat !== "other") assert.equal(repeatOf(ruleOf(repeat, "")), repeat);
  }
  const odd = "FREQ=MONTHLY;BYDAY=1MO";
  assert.equal(repeatOf(odd), "other");
  assert.equal(ruleOf("other", ` ${odd} `), odd);
});

test("days without a conference may be separated as people do", () => {
  const values = { ...valuesOf(BRIEFING, ALL), exceptions: "2026-12-28; 2027-01-04,2027-02-08" };
  assert.deepEqual(templateOf(values, ALL).schedule?.exceptions, ["2026-12-28", "2027-01-04", "2027-02-08"]);
});

test("what the form has no field for is kept, and what was emptied is not", () => {
  const known = {
    ...BRIEFING,
    later: { kind: "of a later version" },
    rules: { ...BRIEFING.rules, curfew: "22:00" },
    minutes: { ...BRIEFING.minutes, superior: null, trust: ["ca.pem"] },
    agenda: [{ ...BRIEFING.agenda[0], papers: ["giao-ban-p1"] }, ...BRIEFING.agenda.slice(1)],
  };
  const { id, ...rest } = known;
  assert.deepEqual(templateOf(valuesOf(known, ALL), ALL, known), rest);
  const emptied = { ...valuesOf(known, ALL), chair: "", planned: false, agenda: " \n", symbol: " ", recipients: "" };
  const made = templateOf(emptied, ALL, known);
  assert.deepEqual(["chair", "schedule", "agenda"].filter((name) => name in made), []);
  assert.deepEqual(made.minutes, { superior: null, trust: ["ca.pem"] });
});
