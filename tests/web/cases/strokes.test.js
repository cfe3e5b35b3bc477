// What is drawn on pages, as a page knows it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, keyOf, longer, onCanvas } from "../../../bridge/web/common/strokes.js";

const page = { type: /** @type {const} */ ("strokes"), paper: "x-p1", version: 1, page: 2 };
/** @param {number} at @returns {import("../../../bridge/web/types/protocol.js").Stroke} */
const stroke = (at) => ({ tool: "pen", places: [at, at] });

test("messages add, undo and clear", () => {
  let known = drawn(new Map(), { ...page, start: 0, strokes: [stroke(1), stroke(2)] });
  known = drawn(known, { ...page, start: 2, strokes: [stroke(3)] });
  assert.deepEqual(known.get(keyOf(page)), [stroke(1), stroke(2), stroke(3)]);
  known = drawn(known, { ...page, start: 2, strokes: [] });
  assert.deepEqual(known.get(keyOf(page)), [stroke(1), stroke(2)]);
  assert.deepEqual(drawn(known, { ...page, start: 0, strokes: [] }).get(keyOf(page)), []);
  assert.equal(known.get(keyOf({ ...page, version: 2 })), undefined, "another version has none of it");
});

test("only so many pages are kept, the newest", () => {
  /** @type {ReadonlyMap<string, any>} */
  let known = new Map();
  for (let number = 1; number <= 80; number += 1) known = drawn(known, { ...page, page: number, start: 0, strokes: [] });
  assert.equal(known.size, 50);
  assert.ok(known.has(keyOf({ ...page, page: 80 })) && !known.has(keyOf({ ...page, page: 30 })));
});

test("a hand that rests adds no places", () => {
  const begun = longer([], { x: 0.5, y: 0.25 });
  assert.deepEqual(begun, [5000, 2500]);
  assert.equal(longer(begun, { x: 0.501, y: 0.25 }), begun);
  assert.deepEqual(longer(begun, { x: 0.51, y: 0.25 }), [5000, 2500, 5100, 2500]);
});

test("a place is where it is on the page, however large that is shown", () => {
  assert.deepEqual(onCanvas(10_000, 5000, { left: -20, top: 10, width: 400, height: 300 }), [380, 160]);
});
