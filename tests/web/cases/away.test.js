import assert from "node:assert/strict";
import { test } from "node:test";
import { MEDIA_LIMIT, awayOf } from "../../../bridge/web/room/away.js";
import { statusOf } from "../../../bridge/web/room/texts.js";
import { QUIET_LIMIT, Connection } from "../../../bridge/web/common/protocol.js";
import { FakeNetwork, settled, useLanguage } from "./support.js";
import { welcome } from "./samples.js";

useLanguage("vi");

const fine = {
  farewell: null, link: "up", problem: null, cause: "", quiet: false, cable: true, worker: true, mediaDown: 0, blocked: "", contact: "",
};
const problem = { type: "", status: 409, title: "Busy.", title_vi: "Bận." };

test("a room that is cut off is told by what, and what comes next", () => {
  assert.equal(awayOf(fine), null);
  /** @type {[object, string | undefined][]} */
  const cases = [
    [{ quiet: true }, "line"],
    [{ quiet: true, cable: false }, "cable"],
    [{ link: "down", cause: "line" }, "line"],
    [{ link: "down", cause: "bridge" }, "bridge"],
    [{ link: "connecting", cause: "bridge" }, "bridge"],
    [{ link: "down" }, "unreachable"],
    [{ link: "connecting" }, undefined],
    [{ link: "busy", problem }, "elsewhere"],
    [{ link: "wrong_key" }, "refused"],
    [{ link: "ended", farewell: { vi: "Máy khác đã vào.", en: "Another came." } }, "ended"],
    [{ worker: false, mediaDown: 60 }, "worker"],
    [{ mediaDown: MEDIA_LIMIT }, "media"],
    [{ mediaDown: MEDIA_LIMIT - 0.1 }, undefined],
  ];
  const titles = new Set();
  for (const [changes, kind] of cases) {
    const shown = awayOf({ ...fine, ...changes });
    assert.equal(shown?.kind, kind, JSON.stringify(changes));
    if (!shown) continue;
    titles.add(shown.title);
    for (const text of [shown.title, shown.next]) assert.match(text, /\p{L}+ \p{L}+/u, "a sentence");
  }
  const blocked = awayOf({ ...fine, mediaDown: MEDIA_LIMIT, blocked: "media.blocked_firefox" });
  assert.equal(blocked?.kind, "blocked");
  assert.match(blocked?.next ?? "", /Chromium/);
  assert.equal(titles.size, 9, "each case reads differently");
  assert.match(awayOf({ ...fine, quiet: true, contact: "0218 000 000" })?.next ?? "", /0218 000 000/);
});

test("the line in the header does not contradict the stage", () => {
  const calm = { refusal: "", mediaLink: "up", faults: { camera: /** @type {const} */ (""), microphone: /** @type {const} */ ("") } };
  for (const cause of ["line", "bridge", "cable", ""]) {
    const [level, text] = statusOf({ ...fine, ...calm, link: "down" });
    assert.equal(level, "bad");
    assert.match(text, /Mất kết nối/);
    assert.doesNotMatch(text, /dây/, "which the stage knows better");
    assert.ok(awayOf({ ...fine, link: "down", cause }));
  }
});

test("a line that is cut is told within three seconds", () => {
  const tick = 0.25; // seconds between looks, of the room page
  assert.ok(QUIET_LIMIT + tick <= 3);
  assert.ok(MEDIA_LIMIT + tick <= 3);
});

test("silence before the end is the line's, a sudden end the bridge's", async () => {
  const network = new FakeNetwork();
  const connection = new Connection({ kind: "console" }, { message: () => {}, status: () => {} }, network.environment);
  connection.start();
  await settled();
  network.last.accept();
  network.last.say(welcome());
  assert.equal(connection.cause, "");
  network.last.drop(1006);
  assert.equal(connection.cause, "bridge");
  await network.clock.pass(1);
  network.last.accept();
  network.last.say(welcome());
  assert.equal(connection.cause, "", "connected again");
  await network.clock.pass(20);
  assert.equal(connection.cause, "line");
});
