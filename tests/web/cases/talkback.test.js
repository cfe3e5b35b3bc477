import assert from "node:assert/strict";
import { test } from "node:test";
import { Talkback } from "../../../bridge/web/console/talkback.js";
import { onDesk } from "./samples.js";
import { settled, useLanguage } from "./support.js";

useLanguage("en");

/** A console whose bridge answers by hand. */
function desk({ microphone = true, changes = {} } = {}) {
  /** @type {any[]} */
  const asked = [];
  /** @type {string[]} */
  const said = [];
  /** @type {boolean[]} */
  const sent = [];
  const track = { readyState: "live", enabled: true };
  /** @type {() => void} */
  let grant = () => {};
  const mediaDevices = {
    getUserMedia: () => new Promise((resolve, reject) => {
      grant = () => (microphone ? resolve({ getAudioTracks: () => [track] }) : reject(new Error("denied")));
    }),
  };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  const client = {
    state: onDesk({ preview: "khoan-du", ...changes }), link: "up",
    connection: { ask: (/** @type {any} */ message) => new Promise((answer) => asked.push({ ...message, answer })) },
    media: { replace: async () => {}, talk: async (/** @type {boolean} */ on) => void sent.push(on) },
  };
  const orders = { allowed: () => true, say: (/** @type {string} */ text) => void said.push(text) };
  const talkback = new Talkback(/** @type {any} */ (client), /** @type {any} */ (orders), () => "hoi-truong", () => void said.push("watching"));
  return { talkback, asked, said, sent, track, client, grant: () => grant() };
}

test("the voice is sent from the bridge's answer on, and not a moment longer than the key is held", async () => {
  const { talkback, asked, sent, track, grant } = desk();
  talkback.pressed();
  grant();
  await settled();
  assert.deepEqual([asked[0].type, asked[0].point, sent], ["talk", "khoan-du", []]);
  assert.equal(track.enabled, false);
  asked[0].answer({ ok: true });
  await settled();
  assert.deepEqual([sent, track.enabled], [[true], true]);
  talkback.pressed(); // it is held already
  talkback.end();
  assert.deepEqual([sent, track.enabled], [[true, false], false]);
  assert.deepEqual([asked.length, asked[1].point], [2, null]);
  talkback.end();
  assert.equal(asked.length, 2);
});

test("a key that was let go before the answer sends nothing, and ends what the bridge began", async () => {
  const { talkback, asked, sent, grant } = desk();
  talkback.pressed();
  grant();
  await settled();
  talkback.end();
  asked[0].answer({ ok: true });
  await settled();
  assert.ok(!sent.includes(true));
  assert.equal(asked[1].point, null);
});

test("the browser's question takes the key: nothing is asked, and the next press speaks", async () => {
  const { talkback, asked, said, grant } = desk();
  talkback.pressed();
  talkback.end();
  grant();
  await settled();
  assert.equal(asked.length, 0);
  assert.match(said.at(-1) ?? "", /ready/);
  talkback.pressed();
  await settled();
  assert.equal(asked.length, 1);
});

test("without a microphone, and where the bridge refuses, a sentence says so", async () => {
  const none = desk({ microphone: false });
  none.talkback.pressed();
  none.grant();
  await settled();
  assert.match(none.said.at(-1) ?? "", /cannot be used/);
  assert.equal(none.talkback.held, false);
  const refused = desk();
  refused.talkback.pressed();
  refused.grant();
  await settled();
  refused.asked[0].answer({ ok: false, error: { vi: "Không.", en: "No." }, key: "talk.away" });
  await settled();
  assert.equal(refused.said.at(-1), "No.");
  assert.deepEqual([refused.talkback.held, refused.sent], [false, []]);
});

test("what the bridge ends is over here, too", async () => {
  const { talkback, asked, sent, said, client, grant } = desk();
  talkback.pressed();
  grant();
  await settled();
  asked[0].answer({ ok: true });
  await settled();
  client.state = { ...client.state, talks: { "khoan-du": { user: "lan", at: 0, answer: "live" } } };
  talkback.look();
  assert.equal(talkback.held, true);
  client.state = { ...client.state, talks: {} };
  talkback.look();
  assert.deepEqual([talkback.held, sent], [false, [true, false]]);
  assert.match(said.at(-1) ?? "", /over/);
});

test("it is not offered for a point that is another bridge, whose rooms would all hear it", async () => {
  const { talkback, asked, said } = desk({ changes: { peers: { "khoan-du": {} } } });
  talkback.pressed();
  await settled();
  assert.match(said.at(-1) ?? "", /all rooms/);
  assert.deepEqual([talkback.held, asked], [false, []]);
});

test("it is for who directs", () => {
  const { talkback, said } = desk({ changes: { director: "hoa" } });
  talkback.pressed();
  assert.equal(said.at(-1), "watching");
});
