// The agenda as text, and the clock of the item that runs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesOf, itemClock, runningItem, textOf } from "../../../bridge/web/common/agenda.js";
import { NOW, conference } from "./samples.js";

const AGENDA = [
  { number: 1, title: "Khai mạc", point: null, minutes: null },
  { number: 2, title: "Báo cáo 15 phút", point: "khoan-du", minutes: 10 },
];

test("an agenda that is written and read again is the same", () => {
  assert.deepEqual(entriesOf(textOf(AGENDA)), AGENDA);
});

test("what people write", () => {
  const text = "  Khai mạc \n\n15 @khoan-du Báo cáo\n#2 Kết luận\n@chi-ne <b>x</b>\n20\n";
  assert.deepEqual(entriesOf(text), [
    { number: 0, title: "Khai mạc", point: null, minutes: null },
    { number: 0, title: "Báo cáo", point: "khoan-du", minutes: 15 },
    { number: 2, title: "Kết luận", point: null, minutes: null },
    { number: 0, title: "<b>x</b>", point: "chi-ne", minutes: null },
    { number: 0, title: "20", point: null, minutes: null },
  ]);
});

test("the clock of an item counts down, and then says that the time is over", () => {
  assert.equal(itemClock(null, NOW), null);
  assert.equal(itemClock(conference({ agenda: AGENDA }), NOW), null);
  const running = conference({ agenda: AGENDA, item: { number: 2, since: NOW - 60, over: false } });
  assert.equal(runningItem(running)?.title, "Báo cáo 15 phút");
  assert.equal(itemClock(running, NOW)?.over, false);
  assert.equal(itemClock(running, NOW + 600)?.over, true);
  const open = conference({ agenda: AGENDA, item: { number: 1, since: NOW - 60, over: false } });
  assert.equal(itemClock(open, NOW + 9999)?.over, false);
});
