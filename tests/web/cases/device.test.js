import assert from "node:assert/strict";
import { test } from "node:test";
import { Device, RETRY, faultOf } from "../../../bridge/web/room/device.js";
import { profileOf, treatmentOf } from "../../../bridge/web/room/sound_profile.js";
import { bothChannels } from "../../../bridge/web/common/transport.js";
import { FakeClock } from "./support.js";

/** @param {string} name */
const refused = (name) => Object.assign(new Error(name), { name });
/** @returns {any} */
const track = () => ({ readyState: "live", muted: false, stopped: false, stop() { this.stopped = true; this.readyState = "ended"; } });

/** A device whose answers a case sets, and how often it has told of a change. */
function bench() {
  const clock = new FakeClock();
  const bench = {
    clock,
    /** @type {() => Promise<any>} */
    answer: () => Promise.reject(refused("NotFoundError")),
    asked: 0,
    told: 0,
    device: /** @type {Device} */ (/** @type {unknown} */ (null)),
  };
  bench.device = new Device({
    ask: () => {
      bench.asked += 1;
      return bench.answer();
    },
    later: (work, seconds) => clock.later(work, seconds),
    cancel: (timer) => clock.cancel(timer),
  }, () => (bench.told += 1));
  return bench;
}

test("a refusal is told by its kind: a permission is no cable", () => {
  const faults = ["NotFoundError", "NotAllowedError", "NotReadableError", "OverconstrainedError", "TypeError"];
  assert.deepEqual(faults.map((name) => faultOf(refused(name))), ["missing", "denied", "busy", "missing", "failed"]);
  assert.equal(faultOf("nonsense"), "failed");
});

test("a device that is missing is asked for again until it is there", async () => {
  const b = bench();
  await b.device.open();
  assert.deepEqual([b.device.fault, b.device.live], ["missing", false]);
  b.answer = () => Promise.reject(refused("NotAllowedError"));
  await b.clock.pass(RETRY);
  assert.equal(b.device.fault, "denied");
  const found = track();
  b.answer = () => Promise.resolve(found);
  await b.clock.pass(RETRY);
  assert.deepEqual([b.device.fault, b.device.live, b.device.track], ["", true, found]);
  const asked = b.asked;
  await b.clock.pass(10 * RETRY);
  assert.equal(b.asked, asked, "what is there is not asked for");
});

test("a device that is pulled out is told at once, and comes back by itself", async () => {
  const b = bench();
  const first = track();
  b.answer = () => Promise.resolve(first);
  await b.device.open();
  b.answer = () => Promise.reject(refused("NotFoundError"));
  first.readyState = "ended";
  first.onended();
  assert.deepEqual([b.device.fault, b.device.track], ["missing", null]);
  await b.clock.pass(0);
  b.answer = () => Promise.resolve(track());
  b.device.again(); // a device came
  await b.clock.pass(0);
  assert.equal(b.device.live, true);
});

test("one that is muted in the computer is there, and told", async () => {
  const b = bench();
  const found = track();
  b.answer = () => Promise.resolve(found);
  await b.device.open();
  found.muted = true;
  found.onmute();
  assert.deepEqual([b.device.fault, b.device.live, b.device.track], ["muted", false, found]);
  found.muted = false;
  found.onunmute();
  assert.equal(b.device.live, true);
});

test("another device takes the place of the first when it is there, not before", async () => {
  const b = bench();
  const first = track();
  b.answer = () => Promise.resolve(first);
  await b.device.open();
  b.answer = () => Promise.reject(refused("NotReadableError"));
  await b.device.open();
  assert.deepEqual([b.device.track, first.stopped], [first, false]);
  const second = track();
  b.answer = () => Promise.resolve(second);
  await b.device.open();
  assert.deepEqual([b.device.track, first.stopped], [second, true]);
});

test("of two questions the later one counts", async () => {
  const b = bench();
  /** @type {(track: any) => void} */
  let give = () => {};
  b.answer = () => new Promise((resolve) => (give = resolve));
  const slow = b.device.open();
  const second = track();
  b.answer = () => Promise.resolve(second);
  await b.device.open();
  const late = track();
  give(late);
  await slow;
  assert.deepEqual([b.device.track, late.stopped], [second, true]);
});

test("a page that may ask for nothing says why", async () => {
  let told = 0;
  const device = new Device({ ask: null, later: () => 0, cancel: () => {} }, () => (told += 1));
  await device.open();
  assert.deepEqual([device.fault, told], ["insecure", 1]);
});

test("the sound is treated as the topology says, or as was chosen here", () => {
  assert.deepEqual(["", null, "hall", "nonsense"].map((chosen) => profileOf(chosen, "codec")), ["codec", "codec", "hall", "codec"]);
  assert.equal(profileOf(null, "later version"), "room");
  assert.deepEqual(treatmentOf("room"), { echoCancellation: true, noiseSuppression: true, autoGainControl: true });
  assert.equal(treatmentOf("hall").echoCancellation, false);
  assert.deepEqual(treatmentOf("codec"), {
    echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 2 },
  });
});

test("both channels are offered where they are received, and sent where they are to be", () => {
  const line = (/** @type {string} */ way) =>
    `m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=${way}\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n`;
  const sdp = `v=0\r\n${line("sendonly")}${line("recvonly")}m=video 9 x 96\r\na=fmtp:96 x=1\r\n`;
  const stereo = ";stereo=1;sprop-stereo=1";
  assert.equal(bothChannels(sdp, false).split(stereo).length - 1, 1);
  assert.equal(bothChannels(sdp, true).split(stereo).length - 1, 2);
  assert.equal(bothChannels(sdp, true).replaceAll(stereo, ""), sdp, "nothing else changes");
});
