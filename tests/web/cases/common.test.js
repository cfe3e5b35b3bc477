import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf } from "../../../bridge/web/common/api.js";
import { path, roundUp } from "../../../bridge/web/common/chart.js";
import { clockText, dayStart, percent, timeText } from "../../../bridge/web/common/format.js";
import { pick, problemText, t } from "../../../bridge/web/common/i18n.js";
import { Refused, errorText } from "../../../bridge/web/common/refused.js";
import { seriesOf } from "../../../bridge/web/status/history.js";
import { useLanguage } from "./support.js";

const ZONE = "Asia/Ho_Chi_Minh";

test("durations are m:ss, from an hour on h:mm:ss, and never negative", () => {
  assert.deepEqual([0, 9, 59.9, 60, 3599, 3600, 36_061, -5].map(clockText),
    ["0:00", "0:09", "0:59", "1:00", "59:59", "1:00:00", "10:01:01", "0:00"]);
});

test("times are those of the bridge's wall clock, in the present language", () => {
  const at = Date.UTC(2026, 10, 24, 17, 5, 9) / 1000; // 00:05:09 the next day in Việt Nam
  useLanguage("en");
  assert.equal(timeText(at, ZONE), "00:05:09");
  assert.equal(timeText(at, ZONE, "short"), "00:05");
  assert.match(timeText(at, ZONE, "day"), /Wed.*25\/11.*00:05/);
  assert.match(timeText(at, ZONE, "date"), /25\/11\/2026/);
  useLanguage("vi");
  assert.match(timeText(at, ZONE, "day"), /25/);
  assert.doesNotMatch(timeText(at, ZONE, "day"), /Wed/);
});

test("shares are written as the language does, with a dash for what is not known", () => {
  useLanguage("vi");
  assert.equal(percent(0.98333, 2), "98,33\u00a0%");
  useLanguage("en");
  assert.equal(percent(0.98333, 2), "98.33\u00a0%");
  assert.equal(percent(null, 1), "–");
  assert.equal(percent(undefined, 1), "–");
});

test("sentences are filled; what is missing shows itself instead of vanishing", () => {
  useLanguage("en");
  assert.equal(t("console.directs", { user: "Lan" }), "Lan directs");
  assert.equal(t("console.directs"), "{user} directs");
  assert.equal(t("no.such_key"), "no.such_key");
  assert.equal(pick({ vi: "Có", en: "Yes" }), "Yes");
  assert.equal(pick(null), "");
});

test("a problem is a sentence with what is particular, silence is one with what to do", () => {
  useLanguage("vi");
  const problem = { type: "/problems/x", status: 409, title: "No.", title_vi: "Không.", detail: "khoan-du" };
  assert.equal(problemText(problem), "Không. (khoan-du)");
  assert.equal(errorText(new Refused(409, problem)), "Không. (khoan-du)");
  assert.equal(errorText(new TypeError("network")), t("page.no_answer"));
  for (const language of /** @type {const} */ (["vi", "en"])) {
    useLanguage(language);
    const sentence = t("page.no_result", { seconds: "8" });
    assert.match(sentence, /8.*\..*\.$/, "two sentences: what happened, what to do");
  }
});

test("an address has its places filled and the rest as query", () => {
  assert.equal(addressOf("/points", {}), "/api/v1/points");
  assert.equal(addressOf("/points/{id}/quality", { id: "khoan-du", from: 1, to: 2, kind: undefined }),
    "/api/v1/points/khoan-du/quality?from=1&to=2");
  assert.equal(addressOf("/users/{name}", { name: "a/b c?" }), "/api/v1/users/a%2Fb%20c%3F");
});

test("a chart's top is a round number at or above its values", () => {
  assert.deepEqual([0, -3, 0.3, 1, 1.2, 2, 7, 10, 11, 4999].map(roundUp), [1, 1, 0.5, 1, 2, 2, 10, 10, 20, 5000]);
});

test("a line breaks where nothing was measured", () => {
  const same = (/** @type {number} */ value) => value;
  assert.equal(path([[0, 1], [1, 2], [2, null], [5, 3], [6, 4]], same, same, 1.5),
    "M0.0 1.0L1.0 2.0M5.0 3.0L6.0 4.0");
  assert.equal(path([], same, same, 1), "");
});

/** @param {object} changes @returns {any} */
const row = (changes) => ({
  at: 0, span: 60, kind: "ef", direction: "up", packets: 100, lost: 0, bursts: 0, reordered: 0, duplicated: 0,
  variation_p50: null, variation_p95: 3, variation_p99: null, round_trip_p50: null, round_trip_p95: 9,
  delay: null, dscp: null, outage: 0, mos: null, ...changes,
});

test("a line's loss is that of all its classes together, without its router's", () => {
  const history = seriesOf([
    row({ kind: "router:ef", lost: 100 }), row({ lost: 1 }), row({ kind: "af41", packets: 300, lost: 7 }),
    row({ at: 60, packets: 0, outage: 60 }), row({ direction: "down", lost: 50, variation_p95: 4 }),
  ]);
  assert.deepEqual(history.lossUp, [[0, 2], [60, null]]);
  assert.deepEqual(history.lossDown, [[0, 50]]);
  assert.deepEqual(history.roundTrip, [[0, 9], [60, 9]]);
  assert.deepEqual(history.variationDown, [[0, 4]]);
  assert.deepEqual(history.outages, [[60, 120]]);
});

test("where only the router answers, its figures are all there is", () => {
  assert.deepEqual(seriesOf([row({ kind: "router:ef" })]).roundTrip, [[0, 9]]);
});

test("a day begins on the bridge's wall clock, wherever the browser is", () => {
  const noon = Date.UTC(2026, 10, 25, 5) / 1000;
  assert.equal(dayStart(noon, "Asia/Ho_Chi_Minh"), Date.UTC(2026, 10, 24, 17) / 1000);
  assert.equal(dayStart(noon, "America/Lima"), Date.UTC(2026, 10, 25, 5) / 1000);
  assert.equal(dayStart(noon - 1, "America/Lima"), Date.UTC(2026, 10, 24, 5) / 1000);
  // In Berlin the clocks went back in the night of 25 October: that day has 25 hours.
  assert.equal(dayStart(Date.UTC(2026, 9, 25, 12) / 1000, "Europe/Berlin"), Date.UTC(2026, 9, 24, 22) / 1000);
});
