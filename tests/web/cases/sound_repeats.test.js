import assert from "node:assert/strict";
import { test } from "node:test";
import { affordable, frameOf, Level, MOST, Repeats } from "../../../bridge/web/common/sound_repeats.js";
import { VoiceRepeats } from "../../../bridge/web/common/voice_repeats.js";

const RED = 63;
const OPUS = 111;

/** @param {number} octet @param {number} length */
const frame = (octet, length) => new Uint8Array(length).fill(octet);

/** What a browser sends: a frame, with the one before it. @param {Uint8Array} own @param {Uint8Array} [before] */
const browsers = (own, before) =>
  before
    ? new Uint8Array([0x80 | OPUS, 960 >> 6, before.length >> 8, before.length & 0xff, OPUS, ...before, ...own])
    : new Uint8Array([OPUS, ...own]);

/** Repeats that have taken four frames; the last packet. @param {number} most @param {number[]} [times] */
function fourth(most, times = [0, 960, 1920, 2880]) {
  const repeats = new Repeats();
  repeats.use({ red: RED, plain: OPUS, most });
  const frames = [frame(1, 3), frame(2, 300), frame(3, 2), frame(4, 5)];
  let built = null;
  for (const [at, own] of frames.entries()) {
    built = repeats.packet(browsers(own, frames[at - 1]), RED, times[at]);
  }
  return { built, frames };
}

test("a packet repeats as many frames as it was told to, oldest first", () => {
  const { built, frames } = fourth(3);
  // As bridge/media/red.py builds it: 2880, 1920 and 960 before, 3, 300 and 2 octets long.
  const head = [0xef, 0x2d, 0x00, 0x03, 0xef, 0x1e, 0x01, 0x2c, 0xef, 0x0f, 0x00, 0x02, 0x6f];
  assert.deepEqual([...(built ?? [])], [...head, ...frames.flatMap((f) => [...f])]);
  const two = fourth(2).built ?? new Uint8Array();
  assert.deepEqual([...two.slice(0, 9)], [...head.slice(4)]);
  assert.equal(fourth(1).built, null, "that is what the browser has done");
  assert.deepEqual(fourth(99).built, built, `never more than ${MOST}`);
});

test("timestamps may pass their end, and what is long ago is not repeated", () => {
  assert.deepEqual(fourth(3, [-2880, -1920, -960, 0].map((at) => at >>> 0)).built, fourth(3).built);
  const gap = fourth(3, [0, 960, 1920, 90_000]).built ?? new Uint8Array();
  assert.deepEqual([...gap], [OPUS, ...frame(4, 5)]);
});

test("large frames leave room for themselves", () => {
  const repeats = new Repeats();
  repeats.use({ red: RED, plain: OPUS, most: 3 });
  /** @type {Uint8Array | null} */
  let built = null;
  for (let at = 0; at < 5; at += 1) built = repeats.packet(browsers(frame(at, 500)), RED, at * 960);
  assert.equal(built?.length, 4 + 1 + 500 + 500);
  assert.equal(repeats.packet(browsers(frame(9, 1200)), RED, 5 * 960)?.length, 1201);
});

test("what is no redundant audio is left as it is", () => {
  const repeats = new Repeats();
  repeats.use({ red: RED, plain: OPUS, most: 3 });
  repeats.packet(browsers(frame(1, 3)), RED, 0);
  for (const bad of [[], [OPUS], [0xef], [0xef, 0, 0], [0xef, 15, 0, 200, OPUS, 1], [0xef, 15, 3, 255, OPUS], [112, 1, 2]]) {
    assert.equal(frameOf(new Uint8Array(bad), OPUS), null);
    assert.equal(repeats.packet(new Uint8Array(bad), RED, 960), null);
  }
  repeats.packet(browsers(frame(1, 3)), RED, 0);
  assert.equal(repeats.packet(frame(1, 20), OPUS, 960), null, "plain Opus");
  assert.deepEqual([...(repeats.packet(browsers(frame(2, 3)), RED, 1920) ?? [])], [OPUS, 2, 2, 2], "nothing from before it");
});

test("more is repeated at once, less after a while", () => {
  const level = new Level();
  assert.equal(level.feed(0, 3, 0), 0);
  assert.equal(level.feed(0.06, 3, 1), 2);
  assert.equal(level.feed(0.3, 3, 2), 3);
  assert.equal(level.feed(0.3, 1, 3), 1, "the line has no room for more");
  assert.equal(level.feed(0.12, 3, 4), 3);
  assert.equal(level.feed(0, 3, 13), 3);
  assert.equal(level.feed(0, 3, 14), 2);
  assert.equal(level.feed(0, 3, 20), 2);
  assert.equal(level.feed(0, 3, 24), 1);
});

test("a voice and what is repeated of it take three quarters of a thin line", () => {
  assert.deepEqual([0, 30_000, 100_000, 150_000, 250_000, 5e6].map(affordable), [3, 0, 0, 1, 3, 3]);
});

test("the loss is that of the bridge's reports", () => {
  /** @type {{most: number, red: number, plain: number}[]} */
  const told = [];
  /** What the browser takes in stead of its own. */
  class Transform {
    /** @param {unknown} _worker @param {{port: MessagePort}} options */
    constructor(_worker, { port }) {
      port.close();
    }
  }
  Object.assign(globalThis, { RTCRtpScriptTransform: Transform });
  const codecs = [{ mimeType: "audio/red", payloadType: RED }, { mimeType: "audio/opus", payloadType: OPUS }];
  const sender = /** @type {any} */ ({ transform: null, getParameters: () => ({ codecs }) });
  const repeats = new VoiceRepeats(/** @type {any} */ ({}), sender);
  assert.ok(sender.transform instanceof Transform);
  repeats.port.postMessage = (/** @type {any} */ message) => told.push(message);
  /** @param {number} at @param {number} sent @param {number} lost @param {number} [trip] */
  const look = (at, sent, lost, trip = 0.04) =>
    repeats.look(
      [
        { type: "candidate-pair", nominated: true, availableOutgoingBitrate: 150_000 },
        { type: "outbound-rtp", kind: "audio", packetsSent: sent },
        { type: "outbound-rtp", kind: "video", packetsSent: 99_999 },
        { type: "remote-inbound-rtp", kind: "audio", timestamp: at * 1000, packetsLost: lost, roundTripTime: trip },
        { type: "remote-inbound-rtp", kind: "video", timestamp: at * 1000, packetsLost: 9999 },
      ],
      at,
    );
  look(1, 50, 0);
  look(2, 100, 0);
  assert.deepEqual(told, []);
  look(3, 150, 15);
  assert.deepEqual(told, [{ red: RED, plain: OPUS, most: 3 }]);
  look(3, 170, 15);
  look(4, 200, 30, 0.35);
  assert.equal(told.length, 1, "one long round trip is no queue");
  for (const at of [5, 6, 7]) look(at, at * 50, at * 15 - 30, 0.35);
  assert.deepEqual(told.map(({ most }) => most), [3, 1], "it loses because it is full: there is no room for more");
  look(8, 380, 90);
  assert.equal(told.length, 2, "too few packets to judge");
  look(9, 20, 0);
  look(10, 90, 21);
  assert.deepEqual(told.map(({ most }) => most), [3, 1, 3], "a new connection begins anew");
  repeats.port.close();
});
