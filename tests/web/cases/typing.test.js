import assert from "node:assert/strict";
import { test } from "node:test";
import { plain, spanText } from "../../../bridge/web/common/format.js";
import { position } from "../../../bridge/web/common/meter.js";
import { directs, takenFromMe } from "../../../bridge/web/common/state.js";
import { suggestions } from "../../../bridge/web/console/suggest.js";
import { after, onDesk, stateMessage, welcome } from "./samples.js";
import { useLanguage } from "./support.js";

useLanguage("vi");

/** @type {[string, string][]} */
const USAGE = [["take", "take POINT | take"], ["time", "time SECONDS | time off"], ["banner", "banner TEXT | banner @POINT TEXT | banner off"], ["back", "back"]];
const typing = (/** @type {string} */ line) => suggestions(line, { ...onDesk(), usage: USAGE }).map(({ text }) => text);

test("a line is completed by words, then by points", () => {
  assert.equal(typing("").length, USAGE.length);
  assert.deepEqual(typing("t"), typing("T"));
  assert.ok(typing("ti").includes("time "));
  assert.deepEqual(typing("take kho"), ["take khoan-du "]);
  assert.deepEqual(typing("take Khoan"), ["take khoan-du "]);
  assert.deepEqual(typing("take 2"), ["take khoan-du "]);
  assert.equal(typing("take ").length, 3);
  assert.deepEqual(typing("time 6"), []);
  assert.deepEqual(typing("banner Ngh"), []);
  assert.deepEqual(typing("banner @chi"), ["banner @chi-ne "]);
  assert.deepEqual(typing("nothing "), []);
});

test("words of the language find a command", () => {
  assert.ok(typing("thông").includes("banner "));
});

test("more than a day is said in days", () => {
  assert.equal(spanText(145 * 3600 + 49 * 60 + 30), "6 ngày 1 giờ");
  assert.equal(spanText(86400), "1 ngày");
  assert.equal(spanText(86399), "23:59:59");
  useLanguage("en");
  assert.equal(spanText(86400 + 3600), "1 day 1 hour");
  assert.equal(spanText(2 * 86400 + 7200), "2 days 2 hours");
  useLanguage("vi");
});

test("what people type is compared without capitals and accents", () => {
  assert.equal(plain(" Kết THÚC "), "ket thuc");
  assert.equal(plain("Đồng Tâm"), "dong tam");
});

test("a level stands on the scale, and silence at its left end", () => {
  assert.deepEqual([undefined, 127, 60, 30, 0].map(position), [0, 0, 0, 0.5, 1]);
});

test("who directs, and who only watches", () => {
  assert.equal(directs(onDesk({ director: "lan" })), true);
  assert.equal(directs(onDesk({ director: null })), true);
  assert.equal(directs(onDesk({ director: "minh" })), false);
  assert.equal(directs(after(welcome({ may_direct: false }), stateMessage())), false);
});

test("a loss of direction is known until it is back", () => {
  let seq = 0;
  /** @param {[string | null, string | null][]} turns  user and who was before */
  const lost = (...turns) => takenFromMe({
    ...onDesk(),
    log: turns.map(([user, before]) => /** @type {any} */ ({ conference: "giao-ban", seq: ++seq, at: seq, actor: "", reason: "", event: { type: "director", user, before } })),
  })?.event;
  assert.equal(lost(), undefined);
  assert.equal(lost(["lan", null]), undefined);
  assert.deepEqual(lost(["lan", null], ["minh", "lan"]), { type: "director", user: "minh", before: "lan" });
  assert.deepEqual(lost(["lan", null], ["minh", "lan"], ["hoa", "minh"]), { type: "director", user: "minh", before: "lan" });
  assert.equal(lost(["lan", null], ["minh", "lan"], ["lan", "minh"]), undefined);
});
