import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf } from "../../../bridge/web/common/sizes.js";
import { planLines } from "../../../bridge/web/console/link_plan.js";
import { useLanguage } from "./support.js";

useLanguage("vi");

/** @param {object} [changes] @returns {any} */
const link = (changes = {}) => ({
  link: "khoan-du", name: { vi: "Đường Khoan Dụ", en: "Line to Khoan Du" }, budget: 2500, need_up: 900, need_down: 4770,
  promised_up: 900, promised_down: 4770, taken_up: 0, taken_down: 0, lowered: "full", measured: false, ...changes,
});

test("a plan says that everything fits, which link is too thin, or why it cannot be", () => {
  assert.deepEqual(planLines({ links: [link()], points: {}, refused: null }),
    [{ text: "Đường truyền đủ cho tất cả.", level: "good" }]);
  const lowered = planLines({
    links: [link({ promised_down: 2120, taken_down: 200, taken_up: 2000, lowered: "no_thumbnails" }), link()], refused: null,
    points: { "khoan-du": { up: "full", down: "no_thumbnails" } },
  });
  assert.deepEqual(lowered.map(({ level }) => level), ["warn"]);
  assert.match(lowered[0].text, /Đường Khoan Dụ: cần 4.8, có 2.3 Mbit\/s → không có hình nhỏ/);
  const trunk = link({ name: { vi: "Trục huyện", en: "Trunk" }, budget: 600_000, promised_down: 2120, lowered: "no_thumbnails" });
  const reasons = planLines({
    links: [trunk, link({ promised_down: 2120, lowered: "no_thumbnails" })], refused: null,
    points: { "khoan-du": { up: "full", down: "no_thumbnails" } },
  });
  assert.deepEqual(reasons.map(({ text }) => text.split(":")[0]), ["Đường Khoan Dụ"], "not what it passes as well");
  const two = planLines({
    links: [link({ lowered: "medium" }), link({ name: { vi: "Đường Chi Nê", en: "Line to Chi Ne" }, budget: 100, lowered: "sound" })],
    refused: null, points: {},
  });
  assert.match(two[0].text, /Khoan Dụ.*→ hình chính 360/, "each link names what is lowered behind it");
  assert.match(two[1].text, /Chi Nê.*→ chỉ có tiếng/);
  const up = planLines({ links: [link({ budget: 6000, need_up: 1900, taken_up: 4500, lowered: "lowest" })], refused: null, points: {} });
  assert.match(up[0].text, /cần 1.9, có 1.5 Mbit\/s/, "the way up is what is too thin");
  const refused = { vi: "Không đủ.", en: "Full." };
  assert.deepEqual(planLines({ links: [link()], points: {}, refused }), [{ text: "Không đủ.", level: "bad" }]);
});

test("a picture is as high as its box allows, in device pixels, and 0 where it is hidden", () => {
  const box = (/** @type {number} */ width, /** @type {number} */ height, shown = true) => /** @type {any} */ (
    { clientWidth: width, clientHeight: height, getClientRects: () => (shown ? [{}] : []) });
  assert.equal(linesOf(box(1280, 720), 1), 720);
  assert.equal(linesOf(box(1280, 2000), 1), 720, "16:9 in a box that is higher");
  assert.equal(linesOf(box(300, 200), 2), 340);
  assert.equal(linesOf(box(0, 0), 1), 10, "there, and still without a size");
  assert.equal(linesOf(box(1280, 720, false), 1), 0);
  assert.equal(linesOf(null, 1), 0);
});
