import assert from "node:assert/strict";
import { test } from "node:test";
import { LOSSES, initial, loudness, pointOf, reduce, shownIn, spent, standing } from "../../../bridge/web/common/state.js";
import { NOW, after, conference, line, onDesk, stateMessage, welcome } from "./samples.js";

/** @param {number[]} numbers */
const events = (numbers, more = {}) => ({
  type: "events", conference: "giao-ban", reset: false, ...more,
  events: numbers.map((seq) => ({ conference: "giao-ban", seq, at: seq, actor: "system", reason: "", event: { type: "started" } })),
});
/** @param {any} state */
const numbers = (state) => state.log.map((/** @type {any} */ entry) => entry.seq);

test("a welcome and a state make up what a page knows", () => {
  const state = onDesk();
  assert.deepEqual([state.self, state.user, state.mayDirect, state.now], [null, "lan", true, NOW]);
  assert.equal(state.conference?.id, "giao-ban");
  assert.equal(state.presence["khoan-du"], "in_session");
  assert.equal(pointOf(state, "khoan-du")?.tier, "commune");
  assert.equal(pointOf(state, "nobody"), null);
  assert.equal(pointOf(state, null), null);
  assert.equal(shownIn(state, "thumb:1"), "khoan-du");
  assert.equal(shownIn(state, "thumb:2"), null);
});

test("a state is a whole: what it does not name is gone", () => {
  const state = reduce(onDesk(), stateMessage({ conference: null, points: {} }));
  assert.equal(state.conference, null);
  assert.deepEqual(state.presence, {});
  assert.equal(state.user, "lan", "a welcome's part stays");
});

test("a slot shows one point after another, and has the place of one without a picture", () => {
  const state = onDesk();
  assert.deepEqual(state.pictures, { "khoan-du": "thumb:1" });
  assert.deepEqual([...state.onPage], ["khoan-du", "chi-ne"]);
  const slots = { "thumb:1": { wanted: "chi-ne", shown: "khoan-du", layer: "q", stands: "chi-ne" } };
  const switching = reduce(state, stateMessage({ slots, page: 1, pages: 2 }));
  assert.deepEqual(switching.pictures, { "khoan-du": "thumb:1" }, "until the first picture of the next");
  assert.deepEqual([...switching.onPage], ["chi-ne"]);
  assert.deepEqual([switching.page, switching.pages], [1, 2]);
});

test("nothing is changed in place, and unknown messages change nothing", () => {
  const before = onDesk();
  const copy = JSON.stringify(before);
  reduce(before, stateMessage({ conference: null }));
  reduce(before, /** @type {any} */ (events([1])));
  assert.equal(JSON.stringify(before), copy);
  assert.equal(reduce(before, /** @type {any} */ ({ type: "from the future" })), before);
  assert.ok(Object.isFrozen(initial));
});

test("the log is in order and has no line twice", () => {
  const state = after(welcome(), events([3, 1]), events([2, 3]));
  assert.deepEqual(numbers(state), [1, 2, 3]);
});

test("another conference's log, or a reset, begins anew", () => {
  assert.deepEqual(numbers(after(events([1, 2]), events([7], { conference: "other" }))), [7]);
  assert.deepEqual(numbers(after(events([1, 2]), events([5], { reset: true }))), [5]);
});

test("a page keeps the newest 5000 lines of a log", () => {
  const state = after(events(Array.from({ length: 5001 }, (_, index) => index + 1)));
  assert.equal(state.log.length, 5000);
  assert.equal(numbers(state)[0], 2);
});

test("sparklines have the worse direction of the last minute, full where nothing is reached", () => {
  const lines = (/** @type {object} */ changes) => ({ type: "lines", quality: { "khoan-du": line(changes) } });
  let state = after(lines({ up_loss: 0.05, down_loss: 0.01 }), lines({ reach: "no" }));
  assert.deepEqual(state.losses["khoan-du"], [0.5, 1]);
  for (let n = 0; n < LOSSES; n += 1) state = reduce(state, /** @type {any} */ (lines({})));
  assert.equal(state.losses["khoan-du"].length, LOSSES);
  assert.equal(state.losses["khoan-du"][0], 0);
});

test("notices are kept, the newest twenty", () => {
  const notices = Array.from({ length: 25 }, (_, at) => ({ type: "notice", at, sentence: { vi: "", en: "" } }));
  assert.deepEqual(after(...notices).notices.map((n) => n.at), notices.slice(5).map((n) => n.at));
});

test("a turn's time stands still while the point is away", () => {
  const floor = { point: "khoan-du", since: 100, used: 7, limit: null, warned: null };
  assert.equal(spent(floor, 103), 10);
  assert.equal(spent(floor, 99), 7, "a clock that is behind takes nothing away");
  assert.equal(spent({ ...floor, since: null }, 103), 7);
});

test("loudness goes from 0 at -70 dBov to 1 at -10", () => {
  assert.equal(loudness(undefined), 0);
  assert.equal(loudness(127), 0);
  assert.equal(loudness(70), 0);
  assert.equal(loudness(10), 1);
});

test("who has the floor speaks, who waits for it requests it, who is away does neither", () => {
  const floor = { point: "khoan-du", since: NOW, used: 0, limit: null, warned: null };
  const state = onDesk({ floor, queue: [{ point: "chi-ne", number: 1, at: NOW }] });
  assert.deepEqual(["hoi-truong", "khoan-du", "chi-ne", "nobody"].map((id) => standing(state, id)),
    ["in_session", "speaking", "requesting", "offline"]);
  const away = after(welcome(), stateMessage({ points: { "khoan-du": "lost" }, conference: conference({ floor }) }));
  assert.equal(standing(away, "khoan-du"), "lost");
});
