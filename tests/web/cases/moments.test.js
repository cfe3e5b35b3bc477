// What a conference was like at an instant, and the lines of its points over time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf, momentAt, shownTo, spansOf } from "../../../bridge/web/recordings/moment.js";
import { instantOf } from "../../../bridge/web/recordings/places.js";

const BOOKING = { points: ["chair", "a", "b", "watcher"], chair: "chair", observers: ["watcher"] };

/** A log of events at seconds. @param {[number, object][]} events @returns {any} */
const logOf = (events) => events.map(([at, event], index) => ({ conference: "hop", seq: index + 1, at, actor: "system", reason: "", event }));

const LOG = logOf([
  [0, { type: "opened", plan: BOOKING }],
  [1, { type: "point_joined", point: "chair" }],
  [2, { type: "point_joined", point: "a" }],
  [3, { type: "started" }],
  [4, { type: "quality", point: "a", up: "good", down: "fair" }],
  [5, { type: "floor_requested", point: "b", number: 1 }],
  [6, { type: "floor_requested", point: "a", number: 2 }],
  [10, { type: "floor_granted", point: "a", previous: "chair", number: 2 }],
  [11, { type: "picture", point: "chair", picture: "360" }],
  [12, { type: "quality", point: "a", up: "good", down: "bad" }],
  [14, { type: "content_started", sharer: "point:a" }],
  [15, { type: "point_left", point: "a", reason: "silence" }],
  [18, { type: "floor_ended", point: "a", seconds: 5 }],
  [18, { type: "taken", point: "chair", previous: "a" }],
  [19, { type: "floor_withdrawn", point: "b" }],
  [20, { type: "content_stopped", sharer: "point:a" }],
  [22, { type: "return_picture", point: "b" }],
  [30, { type: "ended" }],
]);

test("who is on air, has the floor and waits for it", () => {
  const early = momentAt(LOG, 9.9);
  assert.deepEqual([early.onAir, early.floor], ["chair", null]);
  assert.deepEqual(early.queue.map(({ point, number, at }) => [point, number, at]), [["b", 1, 5], ["a", 2, 6]]);
  const turn = momentAt(LOG, 10);
  assert.deepEqual([turn.onAir, turn.floor], ["a", { point: "a", at: 10 }]);
  assert.deepEqual(turn.queue.map(({ point }) => point), ["b"]);
  const after = momentAt(LOG, 19);
  assert.deepEqual([after.onAir, after.floor, after.queue], ["chair", null, []]);
  assert.equal(momentAt(LOG, 16).content, "point:a");
  assert.equal(after.content, "point:a");
  assert.equal(momentAt(LOG, 20).content, null);
  assert.equal(momentAt(LOG, -1).booking, null);
});

test("who is there, how it went, and what its line was like", () => {
  const { seats } = momentAt(LOG, 16);
  assert.deepEqual(seats.a, { present: false, ever: true, reason: "silence", up: "good", down: "bad", picture: "" });
  assert.equal(seats.chair.picture, "360");
  assert.equal(seats.b.ever, false);
  assert.equal(Object.values(momentAt(LOG, 31).seats).some(({ present }) => present), false);
});

test("each room sees who is on air, and who is on air its return picture", () => {
  const turn = momentAt(LOG, 12);
  assert.deepEqual(["chair", "a", "b"].map((room) => shownTo(turn, room)), ["a", "chair", "a"]);
  const back = momentAt(LOG, 21);
  assert.equal(shownTo(back, "chair"), "a", "who was before it is gone: the first of the others");
  assert.equal(shownTo(momentAt(LOG, 25), "chair"), "b", "what was set");
  assert.equal(shownTo(momentAt(LOG, -1), "a"), "");
});

test("the worse direction counts, and who is away has no line", () => {
  const seat = { present: true, ever: true, reason: "", up: "good", down: "fair", picture: "" };
  assert.equal(levelOf(seat), "fair");
  assert.equal(levelOf({ ...seat, up: "bad" }), "bad");
  assert.equal(levelOf({ ...seat, up: "unknown", down: "good" }), "good");
  assert.equal(levelOf({ ...seat, present: false }), "away");
});

test("spans follow one another without a gap, up to the end", () => {
  const spans = spansOf(LOG, 28);
  assert.deepEqual(spans.a.map(({ from, to, level, onAir }) => [from, to, level, onAir]), [
    [0, 2, "away", false], [2, 4, "unknown", false], [4, 10, "fair", false], [10, 12, "fair", true],
    [12, 15, "bad", true], [15, 18, "away", true], [18, 28, "away", false],
  ]);
  for (const row of Object.values(spans)) {
    row.slice(1).forEach((span, index) => assert.equal(span.from, row[index].to));
    assert.equal(row.at(-1)?.to, 28);
  }
  assert.deepEqual(spansOf([], 10), {});
});

test("a place of the file is an instant again", () => {
  const parts = [{ at: 1000, offset: 0, seconds: 10 }, { at: 1030, offset: 10, seconds: 5 }];
  for (const [place, at] of [[0, 1000], [9.5, 1009.5], [10, 1030], [14, 1034]]) assert.equal(instantOf(parts, place), at);
  assert.equal(instantOf([], 3), 0);
});
