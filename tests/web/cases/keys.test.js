import assert from "node:assert/strict";
import { test } from "node:test";
import { keyTarget } from "../../../bridge/web/common/dom.js";
import { KEYS, POINT_KEYS, actionOf, keyText } from "../../../bridge/web/console/keys.js";
import * as room from "../../../bridge/web/room/keys.js";

/** A key press. @param {string} key @param {object} [held] */
const press = (key, held = {}) => ({ key, code: "", shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...held });

test("every binding of the table is heard where it says, and only there", () => {
  for (const { action, keys, places, shift = false, ctrl = false, always = false } of KEYS) {
    for (const [index, key] of keys.entries()) {
      for (const place of /** @type {const} */ (["desk", "lobby"])) {
        const found = actionOf(press(key, { shiftKey: shift, ctrlKey: ctrl }), place);
        if (places.includes(place)) assert.deepEqual(found, { action, index, always }, `${key} in the ${place}`);
        else assert.notEqual(found?.action, action, `${key} in the ${place}`);
      }
    }
  }
});

test("no two bindings share keys in one place", () => {
  const seen = new Set();
  for (const { keys, places, shift, ctrl } of KEYS) {
    for (const key of keys) for (const place of places) {
      const name = `${place} ${ctrl ? "ctrl " : ""}${shift ? "shift " : ""}${key}`;
      assert.ok(!seen.has(name), name);
      seen.add(name);
    }
  }
});

test("the keys of the points are 1–9, 0, - and =", () => {
  assert.equal(POINT_KEYS.join(""), "1234567890-=");
  assert.deepEqual(actionOf(press("="), "desk"), { action: "preview", index: 11, always: false });
});

test("letters count with Caps Lock as without", () => {
  assert.equal(actionOf(press("M"), "desk")?.action, "mute");
  assert.equal(actionOf(press("M", { shiftKey: true }), "desk")?.action, "mute_all");
});

test("a letter wants Shift exactly where the table says, a sign may need it", () => {
  assert.equal(actionOf(press("R", { shiftKey: true }), "desk"), null);
  assert.equal(actionOf(press("Enter", { shiftKey: true }), "desk"), null);
  assert.equal(actionOf(press("?", { shiftKey: true }), "desk")?.action, "help");
  assert.equal(actionOf(press("?"), "desk")?.action, "help");
});

test("what belongs to the browser or the system is left alone", () => {
  assert.equal(actionOf(press("r", { ctrlKey: true }), "desk"), null);
  assert.equal(actionOf(press("r", { altKey: true }), "desk"), null);
  assert.equal(actionOf(press("r", { metaKey: true }), "desk"), null);
  assert.equal(actionOf(press("k"), "desk")?.action, "lock_microphone");
  assert.equal(actionOf(press("K", { ctrlKey: true }), "desk")?.action, "typed");
  for (const key of ["Tab", "F5", "z", "toString"]) assert.equal(actionOf(press(key), "desk"), null);
});

test("keys are written as people read them", () => {
  const written = Object.fromEntries(KEYS.map((binding) => [binding.action, keyText(binding)]));
  assert.equal(written.mute_all, "⇧M");
  assert.equal(written.take, "Enter");
  assert.equal(written.back, "⌫");
  assert.equal(written.typed, "Ctrl+K");
  assert.equal(written.preview, "1 … 9 0 - =");
  assert.equal(written.choose_next, "↓");
});

test("a USB button of a room asks for the floor", () => {
  for (const key of ["f", " ", "Enter", "F9"]) assert.equal(room.actionOf(key), "ask");
  assert.equal(room.actionOf("M"), "mute");
  assert.equal(room.actionOf("x"), null);
});

test("presets are places on the keyboard: with Shift the digits are other signs", () => {
  const held = (/** @type {string} */ key, /** @type {string} */ code) => actionOf(press(key, { code, shiftKey: true }), "desk");
  assert.deepEqual(held("!", "Digit1"), { action: "preset", index: 0, always: false });
  assert.deepEqual(held("(", "Digit9"), { action: "preset", index: 8, always: false });
  assert.equal(held(")", "Digit0"), null);
  assert.equal(held("1", "Digit1")?.action, "preview"); // a keyboard on which digits need Shift
  assert.equal(held("?", "Digit8")?.action, "help"); // what the table has comes first
  assert.equal(actionOf(press("1", { code: "Digit1" }), "desk")?.action, "preview");
  assert.equal(actionOf(press("!", { code: "Digit1", shiftKey: true }), "lobby"), null);
  assert.equal(actionOf(press("!", { code: "Digit1", shiftKey: true, ctrlKey: true }), "desk"), null);
});

test("a dialog that is open has the keys, and one that was just closed has none", () => {
  const body = {}, outside = { closest: () => null }, inside = { closest: () => ({}) };
  /** @type {object | null} */
  let open = {};
  const page = { body, querySelector: (/** @type {string} */ what) => (what === "dialog[open]" ? open : null) };
  const target = (/** @type {object} */ of) => keyTarget(/** @type {any} */ ({ target: of }));
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
  try {
    assert.equal(target(inside), null);
    assert.equal(target(outside), null);
    open = null;
    assert.equal(target(inside), body, "its field has the focus still: nobody types there");
    assert.equal(target(outside), outside);
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
});
