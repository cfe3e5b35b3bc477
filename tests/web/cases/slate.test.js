import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoPicture } from "../../../bridge/web/common/slate.js";
import { after, conference, seat, stateMessage, welcome } from "./samples.js";
import { useLanguage } from "./support.js";

useLanguage("vi");

/** @param {object} own  of the seat @param {object} [changes]  of the state */
const why = (own, changes = {}) =>
  whyNoPicture(after(welcome(), stateMessage({ conference: conference({ seats: { "khoan-du": seat(own) } }), ...changes })), "khoan-du");

test("a slate says whether the point is here at all, and what is missing", () => {
  const problem = { vi: "Không trả lời.", en: "No answer." };
  assert.equal(why({ picture: true }), "Đang chờ hình…");
  assert.equal(why({ picture: false }), "Điểm cầu này không gửi hình");
  assert.equal(why({ picture: false }, { rooms: { "khoan-du": { camera: false } } }), "Không có hình từ camera");
  assert.equal(why({ picture: true, camera_off: true }), "Hình đã được tắt");
  assert.equal(why({}, { points: { "khoan-du": "lost" } }), "Mất kết nối");
  assert.equal(why({ problem }, { points: { "khoan-du": "ready" } }), "Không trả lời.");
  assert.equal(whyNoPicture(after(welcome(), stateMessage()), "unknown"), "Ngoại tuyến");
});
