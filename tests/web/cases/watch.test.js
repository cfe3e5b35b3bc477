// What the page of a viewer says and does next, and how it reads the bridge's news.

import assert from "node:assert/strict";
import { test } from "node:test";
import { embedding, viewersText } from "../../../bridge/web/console/audience_text.js";
import { documents } from "../../../bridge/web/watch/whep.js";
import { carried, nextOf, noteText, patience, slateText, speakerText, thinText } from "../../../bridge/web/watch/words.js";
import { NOW, conference } from "./samples.js";
import { useLanguage } from "./support.js";

const ZONE = "Asia/Ho_Chi_Minh";

/** @param {object} [changes] @returns {import("../../../bridge/web/types/protocol.js").WatchView} */
const view = (changes = {}) => ({
  phase: "live", admits: "anybody", admitted: true, title: { vi: "Họp giao ban", en: "Briefing" }, start: null,
  speaker: null, floor: false, item: "", vote: null, content: false, recorded: false, hls: false, sound_only: false, why: "", ...changes,
});

for (const [changes, next] of /** @type {[object, string][]} */ ([
  [{}, "watch"], [{ phase: "open" }, "wait"], [{ phase: "planned" }, "wait"], [{ phase: "ended" }, "wait"],
  [{ admits: "code", admitted: false }, "code"], [{ admits: "code", phase: "planned", admitted: false }, "code"],
  [{ admits: "accounts", admitted: false }, "login"], [{ admits: "code" }, "watch"],
  [{ phase: "ended", admits: "code", admitted: false }, "wait"],
])) test(`what comes next: ${JSON.stringify(changes)}`, () => assert.equal(nextOf(view(changes)), next));

test("a page looks oftener when something is about to begin", () => {
  assert.ok(patience(view({ phase: "open" })) < patience(view({ phase: "planned" })));
  assert.ok(patience(view({ phase: "planned" })) < patience(null));
});

for (const language of /** @type {const} */ (["vi", "en"])) {
  test(`every slate is a sentence: ${language}`, () => {
    useLanguage(language);
    for (const phase of ["planned", "open", "live", "ended"]) {
      for (const why of ["", "ended", "withdrawn", "code", "logged_out", "replaced", "worker", "lost"]) {
        for (const admits of ["nobody", "accounts", "code", "anybody"]) {
          for (const start of [null, NOW]) {
            const text = slateText(view({ phase, why, admits, admitted: false, start }), ZONE);
            assert.doesNotMatch(text, /watch\.[a-z]|\{|undefined/, `${phase} ${why} ${admits}`);
          }
        }
      }
    }
  });
}

test("why somebody watches no longer is said before anything else", () => {
  useLanguage("vi");
  assert.match(slateText(view({ why: "withdrawn" }), ZONE), /không còn mở/);
  assert.match(slateText(view({ phase: "ended" }), ZONE), /đã kết thúc/);
  assert.match(slateText(view({ phase: "planned", start: NOW }), ZONE), /sẽ bắt đầu lúc/);
});

test("what people have to know stays when the page looks again", () => {
  useLanguage("vi");
  /** @param {object} before @param {object} found */
  const after = (before, found) => carried(view(before), view(found)).why;
  assert.equal(after({ why: "code" }, { admits: "code", admitted: false }), "code");
  assert.equal(after({ why: "code" }, { admits: "anybody" }), "");
  assert.equal(after({ why: "ended" }, { phase: "planned" }), "ended");
  assert.equal(after({ why: "ended" }, { phase: "open" }), "");
  assert.equal(after({ why: "lost" }, {}), "");
  assert.equal(carried(null, view()).why, "");
  const next = slateText(view({ why: "ended", phase: "planned", start: NOW }), ZONE);
  assert.match(next, /đã kết thúc.*Cuộc họp tiếp theo/);
});

test("who speaks, and who is only seen", () => {
  useLanguage("vi");
  const speaker = { vi: "Xã Khoan Dụ", en: "Khoan Du" };
  assert.equal(speakerText(view()), "");
  assert.equal(speakerText(view({ speaker })), "Đang lên hình: Xã Khoan Dụ");
  assert.equal(speakerText(view({ speaker, floor: true })), "Đang phát biểu: Xã Khoan Dụ");
});

test("a thin line and a choice are told apart", () => {
  useLanguage("vi");
  assert.equal(thinText(view(), false), "");
  assert.match(thinText(view({ sound_only: true }), false), /Đường truyền yếu/);
  assert.match(thinText(view({ sound_only: true }), true), /lựa chọn/);
});

test("news come in pieces", () => {
  const text = `data: ${JSON.stringify(view())}\n\n:\n\ndata: ${JSON.stringify(view({ why: "ended" }))}\n\nda`;
  const [found, rest] = documents(text);
  assert.deepEqual([found.map(({ why }) => why), rest], [["", "ended"], "da"]);
  assert.deepEqual(documents("data: {"), [[], "data: {"]);
});

test("the console counts who watches, by kind", () => {
  useLanguage("vi");
  assert.equal(viewersText(null), "");
  assert.equal(viewersText(conference()), "", "nobody may");
  assert.equal(viewersText(conference({ audience: "code" })), "0 người đang theo dõi");
  assert.equal(
    viewersText(conference({ audience: "code", viewers: { accounts: 1, code: 2 } })),
    "3 người đang theo dõi (tài khoản: 1, bằng mã: 2)",
  );
});

test("the frame for a page of others names the address", () => {
  assert.match(embedding("https://bridge.example/watch/x"), /src="https:\/\/bridge\.example\/watch\/x"/);
});

for (const language of /** @type {const} */ (["vi", "en"])) {
  test(`a page over HTTP says how late it is, and why: ${language}`, () => {
    useLanguage(language);
    assert.equal(noteText(false, false), "");
    assert.match(noteText(true, false), /HTTP/);
    assert.match(noteText(true, true), /UDP/);
    assert.notEqual(slateText(view(), ZONE, true), slateText(view(), ZONE));
  });
}
