import assert from "node:assert/strict";
import { test } from "node:test";
import { reduce } from "../../../bridge/web/common/state.js";
import { tileOf } from "../../../bridge/web/common/tile.js";
import { NOW, line, onDesk, seat, stateMessage } from "./samples.js";
import { useLanguage } from "./support.js";

useLanguage("vi");

/** @param {object} quality @param {object} [changes] */
const withLine = (quality, changes = {}) =>
  reduce(onDesk(changes), /** @type {any} */ ({ type: "lines", quality: { "khoan-du": line(quality) } }));

test("the label says all of it in words", () => {
  const floor = { point: "khoan-du", since: NOW, used: 0, limit: null, warned: null };
  const state = withLine({}, { floor, on_air: "khoan-du", seats: { "khoan-du": seat({ microphone: true, voice: "live" }) } });
  assert.equal(tileOf(state, "khoan-du", NOW).label,
    "Điểm cầu Khoan Dụ, đang phát, đang phát biểu, micro mở, đường truyền tốt");
  useLanguage("en");
  assert.match(tileOf(state, "khoan-du", NOW).label, /^Point Khoan Du, .*microphone open, line good$/i);
  useLanguage("vi");
});

test("on air goes before preview, and who is simply in has no badge", () => {
  const state = onDesk({ on_air: "khoan-du", preview: "khoan-du" });
  assert.equal(tileOf(state, "khoan-du", NOW).badge, "ĐANG PHÁT");
  assert.equal(tileOf(onDesk({ preview: "khoan-du" }), "khoan-du", NOW).badge, "CHUẨN BỊ");
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).badge, "");
  assert.notEqual(tileOf(reduce(onDesk(), stateMessage({ points: {}, slots: {}, conference: null })), "khoan-du", NOW).badge, "");
});

test("the microphone's icon says locked before open or closed", () => {
  const icon = (/** @type {object} */ own) => tileOf(onDesk({ seats: { "khoan-du": seat(own) } }), "khoan-du", NOW).microphone;
  assert.equal(icon({ microphone: true }), "microphone");
  assert.equal(icon({}), "muted");
  assert.equal(icon({ locked: true }), "locked");
  assert.equal(tileOf(onDesk({ seats: {} }), "khoan-du", NOW).microphone, "");
});

test("a microphone is called open only while the bridge hears it, and each device's fault is told", () => {
  const shown = (/** @type {object} */ own, /** @type {object} */ room = {}) => {
    const rooms = { "khoan-du": { camera: true, microphone: true, camera_fault: "", microphone_fault: "", sending: true, ...room } };
    const state = onDesk({ seats: { "khoan-du": seat(own) } });
    return tileOf({ .../** @type {any} */ (state), rooms }, "khoan-du", NOW);
  };
  assert.deepEqual([shown({ microphone: true, voice: "live" }).open, shown({ microphone: true, voice: "live" }).faults], [true, []]);
  const unheard = shown({ microphone: true, voice: "none" });
  assert.deepEqual([unheard.open, unheard.faults], [false, ["Không có tiếng"]]);
  assert.match(unheard.label, /chưa nghe thấy/);
  assert.match(shown({ microphone: true, voice: "silent" }).details, /im lặng/);
  const none = shown({ picture: false }, { camera_fault: "denied", microphone_fault: "missing" });
  assert.deepEqual(none.faults, ["Không camera", "Không micro"]);
  assert.match(none.details, /không được phép dùng camera[^]*Không thấy micro/);
  assert.deepEqual(shown({ picture: false }).faults, ["Hình chưa tới"]);
  assert.deepEqual(shown({ picture: false, present: false }).faults, []);
});

test("a tile has the picture of the slot that shows its point", () => {
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).picture, "thumb:1");
  assert.equal(tileOf(onDesk(), "chi-ne", NOW).picture, null);
});

test("a line has both directions, and the worse one colours it", () => {
  const shown = tileOf(withLine({ up: "poor", down: "good" }), "khoan-du", NOW);
  assert.match(shown.line, /^↑Kém ↓Tốt$/);
  assert.equal(shown.lineLevel, "poor");
  assert.equal(tileOf(withLine({ up: "unknown", down: "good" }), "khoan-du", NOW).lineLevel, "good");
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).lineLevel, "unknown");
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).line, "");
});

test("a line that is lost, in maintenance or has incidents says so", () => {
  assert.match(tileOf(withLine({ reach: "no", silent: 75 }), "khoan-du", NOW).line, /1:15/);
  assert.match(tileOf(withLine({ incidents: 2 }), "khoan-du", NOW).line, /2/);
  assert.doesNotMatch(tileOf(withLine({ incidents: 2, maintenance: true }), "khoan-du", NOW).line, /2/);
});

test("figures that are older than six seconds are not shown as if they were new", () => {
  const state = withLine({ at: NOW - 6 });
  assert.equal(tileOf(state, "khoan-du", NOW).old, false);
  const old = tileOf(state, "khoan-du", NOW + 1);
  assert.equal(old.old, true);
  assert.match(old.line, /0:07/);
});

test("details have the seat's problem and the line's figures", () => {
  const problem = { vi: "Phòng họp đã đóng trang.", en: "The room has closed its page." };
  const state = withLine({ up_loss: 0.051, up_variation: null }, { seats: { "khoan-du": seat({ problem }) } });
  const [first, second] = tileOf(state, "khoan-du", NOW).details.split("\n");
  assert.equal(first, problem.vi);
  assert.match(second, /5\.1 %/);
  assert.match(second, /–/);
});

test("a paused picture says why it stands still, and a console sees who gets sound only", () => {
  const slots = { "thumb:1": { wanted: "khoan-du", shown: "khoan-du", layer: "", stands: "khoan-du", paused: "line" } };
  const state = reduce(onDesk(), stateMessage({ slots, paused: { "chi-ne": ["thumb:1", "programme"] } }));
  assert.equal(tileOf(state, "khoan-du", NOW).paused, "Đường truyền yếu: chỉ có tiếng");
  assert.equal(tileOf(state, "khoan-du", NOW).picture, "thumb:1", "its last picture stays");
  assert.equal(tileOf(state, "chi-ne", NOW).paused, "Điểm cầu này chỉ nghe được tiếng");
  assert.match(tileOf(state, "chi-ne", NOW).label, /chỉ nghe được tiếng/);
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).paused, "");
});

test("a picture that waits for the line to be measured is not called a weak line's", () => {
  const slots = { "thumb:1": { wanted: "khoan-du", shown: "khoan-du", layer: "", stands: "khoan-du", paused: "measuring" } };
  assert.equal(tileOf(reduce(onDesk(), stateMessage({ slots })), "khoan-du", NOW).paused, "Đang đo đường truyền");
});

test("a tile tells where its camera was sent, for a moment, and longer that it did not go there", () => {
  const shown = (/** @type {object} */ move, age = 1) => {
    const cameras = { "khoan-du": { preset: 3, at: NOW - age, waits: false, problem: null, ...move } };
    return tileOf({ ...onDesk(), cameras }, "khoan-du", NOW);
  };
  assert.equal(shown({ waits: true }).camera, "Máy quay → Chủ tọa …");
  assert.equal(shown({}).camera, "Máy quay → Chủ tọa");
  assert.equal(shown({}, 10).camera, "");
  const problem = { vi: "Máy quay từ chối.", en: "The camera refused." };
  const failed = shown({ problem }, 10);
  assert.deepEqual([failed.camera, failed.cameraFails], ["Máy quay không tới Chủ tọa", true]);
  assert.match(failed.details, /từ chối/);
  assert.equal(shown({ problem }, 60).camera, "");
  assert.equal(shown({ preset: 9 }).camera, "Máy quay → 9"); // one that the topology has no more
  assert.equal(tileOf(onDesk(), "khoan-du", NOW).camera, "");
});
