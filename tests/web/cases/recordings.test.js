// Where an instant is found in a recording, and what people are told of one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { recordingText } from "../../../bridge/web/common/recording.js";
import { placeOf, reached } from "../../../bridge/web/recordings/places.js";
import { conference } from "./samples.js";
import { useLanguage } from "./support.js";

const PARTS = [
  { at: 1000, offset: 0, seconds: 10 },
  { at: 1030, offset: 10, seconds: 5 },
];

for (const [at, place] of /** @type {[number, number | null][]} */ ([
  [990, 0], [1000, 0], [1004, 4], [1009.5, 9.5], [1010, 10], [1020, 10], [1030, 10], [1034, 14], [1035, null],
])) {
  test(`an instant of a recording with a pause: ${at}`, () => assert.equal(placeOf(PARTS, at), place));
}

test("the last place that was reached", () => {
  assert.equal(reached([], 5), -1);
  assert.equal(reached([0, 4, 4, 9], 3.9), 0);
  assert.equal(reached([0, 4, 4, 9], 4), 2);
  assert.equal(reached([1], 0), -1);
});

test("a room is told that it is recorded only where something is written", () => {
  useLanguage("vi");
  /** @param {object} changes @param {boolean} wishes */
  const said = (changes, wishes = false) => recordingText({ ...conference(), ...changes }, wishes);
  assert.equal(said({}), "");
  assert.equal(said({ record: "on", recorded: true }), "ĐANG GHI HÌNH");
  assert.equal(said({ record: "on" }), "", "asked for is not written");
  assert.match(said({ record: "on" }, true), /Chưa ghi được/);
  assert.equal(said({ record: "off", recorded: true }), "ĐANG GHI HÌNH", "until the last octet");
  assert.equal(said({ record: "paused" }), "TẠM DỪNG GHI HÌNH");
  assert.equal(said({ recording: "forbidden" }), "CẤM GHI HÌNH");
  assert.equal(recordingText(null, true), "");
});
