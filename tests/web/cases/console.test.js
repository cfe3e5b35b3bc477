import assert from "node:assert/strict";
import { test } from "node:test";
import { LAYOUTS, NEEDS_POINT, commandOf, layoutAfter } from "../../../bridge/web/console/actions.js";
import { KEYS } from "../../../bridge/web/console/keys.js";
import { lineText } from "../../../bridge/web/console/log_text.js";
import { initial } from "../../../bridge/web/common/state.js";
import { onDesk, seat } from "./samples.js";
import { useLanguage } from "./support.js";

useLanguage("vi");

test("what switches something looks at how it is now", () => {
  const plain = onDesk();
  const other = onDesk({
    closed: true, roll_call: ["chi-ne"],
    seats: { "khoan-du": seat({ microphone: true, locked: true, camera_off: true, dropped: true }) },
  });
  /** @type {[any, object, object][]} */
  const expected = [
    ["mute", { type: "unmute", point: "khoan-du" }, { type: "mute", point: "khoan-du" }],
    ["lock_microphone", { type: "mute", point: "khoan-du", lock: true }, { type: "unmute", point: "khoan-du" }],
    ["camera", { type: "camera", point: "khoan-du", off: true }, { type: "camera", point: "khoan-du", off: false }],
    ["drop", { type: "drop", point: "khoan-du" }, { type: "recall", point: "khoan-du" }],
    ["roll_call", { type: "roll_call", seconds: 20 }, { type: "stop_roll_call" }],
    ["lock", { type: "lock", locked: true }, { type: "lock", locked: false }],
  ];
  for (const [action, off, on] of expected) {
    assert.deepEqual(commandOf(action, plain, "khoan-du"), off, action);
    assert.deepEqual(commandOf(action, other, "khoan-du"), on, action);
  }
});

test("the other actions are the command of their name", () => {
  assert.deepEqual(commandOf("take", onDesk(), null), { type: "take" });
  assert.deepEqual(commandOf("floor", onDesk(), "khoan-du"), { type: "grant" });
  assert.deepEqual(commandOf("floor_selected", onDesk(), "khoan-du"), { type: "grant", point: "khoan-du" });
  assert.deepEqual(commandOf("mute_all", onDesk(), null), { type: "mute_all", but: "speaker" });
  assert.deepEqual(commandOf("extend", onDesk(), null), { type: "extend", minutes: 15 });
});

test("an action on the selected point is no command without one", () => {
  for (const action of NEEDS_POINT) assert.equal(commandOf(action, onDesk(), null), null, action);
});

test("no action fails where no conference is on the desk", () => {
  for (const { action } of KEYS) commandOf(action, initial, "khoan-du");
});

test("layouts go round", () => {
  assert.deepEqual(LAYOUTS.map(layoutAfter), [...LAYOUTS.slice(1), LAYOUTS[0]]);
});

/** @param {any} event @param {string} [actor] */
const text = (event, actor = "system") =>
  lineText({ conference: "giao-ban", seq: 1, at: 0, actor, reason: "", event }, onDesk());

test("a line of the log names points, not ids, and who did it", () => {
  assert.match(text({ type: "taken", point: "khoan-du", previous: "hoi-truong" }, "user:lan"), /Khoan Dụ.* · lan$/);
  assert.doesNotMatch(text({ type: "taken", point: "khoan-du", previous: "hoi-truong" }), /·/);
  assert.match(text({ type: "microphones", points: ["khoan-du", "chi-ne"], open: false, locked: null }), /Khoan Dụ, Chi Nê/);
  assert.match(text({ type: "floor_ended", point: "khoan-du", seconds: 75 }), /1:15/);
});

test("what is on and what is off are two sentences", () => {
  for (const [on, off] of [
    [{ type: "camera", point: "khoan-du", off: false }, { type: "camera", point: "khoan-du", off: true }],
    [{ type: "locked", locked: true }, { type: "locked", locked: false }],
    [{ type: "banner", text: "Nghỉ", point: null }, { type: "banner", text: "", point: null }],
    [{ type: "self_muted", point: "khoan-du", muted: true }, { type: "self_muted", point: "khoan-du", muted: false }],
    [{ type: "previewed", point: "khoan-du" }, { type: "previewed", point: null }],
    [{ type: "microphones", points: [], open: true }, { type: "microphones", points: [], open: false }],
  ]) {
    assert.notEqual(text(on), text(off));
    for (const sentence of [text(on), text(off)]) assert.doesNotMatch(sentence, /event\.|undefined|null|\{/);
  }
});
