import assert from "node:assert/strict";
import { test } from "node:test";
import { trafficRows } from "../../../bridge/web/common/traffic.js";
import { traffic } from "./samples.js";
import { useLanguage } from "./support.js";

test("a point's traffic is told in both directions, with what is paused and why", () => {
  useLanguage("vi");
  const rows = trafficRows(traffic).map(({ label, text, level = "" }) => `${label}: ${text} [${level}]`);
  assert.deepEqual(rows, [
    "Đường xuống chở được: 820 kbit/s []",
    "Đường nối chia cho: 1.5 Mbit/s []",
    "Đang gửi xuống: 560 kbit/s []",
    "Mất gói xuống: 2,0 % [warn]",
    "Tiếng gửi xuống: gửi lặp 1 khung trước (RED) []",
    "Hình chính: Hội trường: 360 dòng, 15 hình/giây, 480 kbit/s []",
    "Hình nhỏ: Chi Nê: tạm dừng vì đường truyền yếu, chỉ còn tiếng [warn]",
    "Hạ chiều xuống: không có hình nhỏ [warn]",
    "Phần đường lên được chia: 2.0 Mbit/s []",
    "Nhận từ điểm cầu: 640 kbit/s []",
    "Mất gói lên: 6,1 % [bad]",
    "Tiếng gửi lên: gửi lặp 2 khung trước (RED) []",
    "Hình camera: q: 180 dòng, 15 hình/giây, 140 kbit/s []",
    "Được yêu cầu gửi: Hình camera: q, h []",
    "Được yêu cầu gửi: Màn hình chia sẻ: không gì cả []",
  ]);
});

test("what is not known is said, and nothing is made up", () => {
  useLanguage("en");
  const [estimate, bound, , , red] = trafficRows({ ...traffic, estimate: 0, bound: 0, red: 0 });
  assert.deepEqual([estimate.text, bound.text, red.text], ["not estimated", "no bound", "not repeated"]);
  assert.equal(trafficRows(null).length, 1);
  const away = trafficRows({ ...traffic, connected: false });
  assert.match(away[0].text, /no picture and sound connection/);
  assert.equal(away.length, 2, "and how far its links lower it all the same");
});
