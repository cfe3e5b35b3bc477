import assert from "node:assert/strict";
import { test } from "node:test";
import { looked, nothingYet, replaced } from "../../../bridge/web/common/changeover.js";
import { nothing, placeOf, told } from "../../../bridge/web/common/handover.js";
import { CONNECT_LIMIT, FLOW, FORMER_LIMIT, LOOK_EVERY, MOVE_LIMIT, Media } from "../../../bridge/web/common/media.js";
import { FakeClock } from "./support.js";

/** What is used of an RTCPeerConnection that receives one picture; it counts what a case says. */
class FakePeer {
  constructor() {
    this.connectionState = "new";
    this.localDescription = { sdp: "offer" };
    this.onconnectionstatechange = () => {};
    this.decoded = 0;
    FakePeer.all.push(this);
    this.track = { id: `track-${FakePeer.all.length}` };
  }

  /** @type {FakePeer[]} */
  static all = [];

  addTransceiver() {
    return { receiver: { track: this.track }, setCodecPreferences() {} };
  }

  async createOffer() {
    return { sdp: "v=0" };
  }

  async getStats() {
    const report = { type: "inbound-rtp", kind: "video", trackIdentifier: this.track.id, framesDecoded: this.decoded };
    return new Map([["in", report]]);
  }

  async setLocalDescription() {}
  async setRemoteDescription() {}
  close() {
    this.connectionState = "closed";
  }

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

const SETUP = { slots: { video: ["programme"], audio: [] }, layers: [], sends: /** @type {const} */ ("none") };

/** Media that play, with what became of them. */
async function playing() {
  Object.assign(globalThis, { RTCPeerConnection: FakePeer, RTCRtpReceiver: { getCapabilities: () => null } });
  FakePeer.all = [];
  const clock = new FakeClock();
  /** @type {unknown[]} */
  const news = [];
  const media = new Media({
    offer: async (_, beside) => {
      news.push(beside ? "offered beside" : "offered");
      return "v=0 answer";
    },
  }, {
    track: (slot, track, over) => news.push([slot, track.id, over]),
    status: (status) => news.push(status),
    moved: () => news.push("moved"),
  }, clock);
  media.start(SETUP);
  await clock.pass(0);
  FakePeer.all[0].become("connected");
  news.length = 0;
  return { media, clock, news };
}

/** Time passes, and the pictures of these connections with it. @param {FakeClock} clock @param {number} seconds @param {FakePeer[]} flowing */
async function flow(clock, seconds, ...flowing) {
  for (let passed = 0; passed < seconds; passed += LOOK_EVERY) {
    for (const peer of flowing) peer.decoded += 1;
    await clock.pass(LOOK_EVERY);
  }
}

test("a page changes over when the new connection's picture flows, and not before", async () => {
  const { media, clock, news } = await playing();
  media.move(SETUP);
  await flow(clock, 1, FakePeer.all[0]);
  const [former, next] = FakePeer.all;
  next.become("connected");
  await flow(clock, 1, former);
  assert.deepEqual(news, ["offered beside"], "up, but without a picture");
  assert.equal(media.pc, former);
  await flow(clock, 2 * LOOK_EVERY, former, next);
  assert.deepEqual(news, ["offered beside", ["programme", "track-2", true], "moved", "up"]);
  assert.equal(media.pc, next);
  assert.equal(former.connectionState, "connected", "others are shown what it sends");
  media.leave();
  assert.equal(former.connectionState, "closed");
  assert.equal(media.up, true);
});

test("another host leads: a page comes over while the former one forwards", async () => {
  const { media, clock, news } = await playing();
  media.comeOver(SETUP);
  await flow(clock, FLOW + LOOK_EVERY, FakePeer.all[0]);
  assert.deepEqual(news, ["offered beside"]);
  assert.equal(FakePeer.all[0].connectionState, "connected");
});

test("another host leads: where the former one is lost with its media nothing is waited for", async () => {
  const { media, clock, news } = await playing();
  media.comeOver(SETUP);
  await clock.pass(FLOW + LOOK_EVERY);
  assert.equal(FakePeer.all[0].connectionState, "closed");
  assert.deepEqual(news, ["connecting", "offered", ["programme", "track-2", false]]);
});

test("what is done while a page looks whether anything comes is not done twice", async () => {
  const { media, clock, news } = await playing();
  media.comeOver(SETUP);
  media.start(SETUP); // the bridge wants new media
  await clock.pass(2 * FLOW);
  assert.deepEqual(news, ["connecting", "offered", ["programme", "track-2", false]]);
});

test("a page without pictures changes over as soon as the new connection is up", async () => {
  const { media, clock } = await playing();
  media.move(SETUP);
  await clock.pass(1);
  FakePeer.all[1].become("connected");
  await clock.pass(2 * LOOK_EVERY);
  assert.equal(media.pc, FakePeer.all[1]);
});

test("a picture that never comes is waited for no longer than a bound", async () => {
  const { media, clock } = await playing();
  media.move(SETUP);
  await flow(clock, LOOK_EVERY, FakePeer.all[0]);
  FakePeer.all[1].become("connected");
  await flow(clock, MOVE_LIMIT - 3 * LOOK_EVERY, FakePeer.all[0]);
  assert.equal(media.pc, FakePeer.all[0]);
  await flow(clock, 5 * LOOK_EVERY, FakePeer.all[0]);
  assert.equal(media.pc, FakePeer.all[1]);
  await clock.pass(FORMER_LIMIT);
  assert.equal(FakePeer.all[0].connectionState, "closed", "the bridge did not say so");
});

test("a new connection that does not come up costs nothing", async () => {
  const { media, clock, news } = await playing();
  media.move(SETUP);
  await flow(clock, CONNECT_LIMIT + 1, FakePeer.all[0]);
  assert.equal(FakePeer.all[1].connectionState, "closed");
  media.move(SETUP);
  await clock.pass(LOOK_EVERY);
  FakePeer.all[2].become("failed");
  await flow(clock, 2 * LOOK_EVERY, FakePeer.all[0]);
  assert.equal(FakePeer.all[2].connectionState, "closed");
  assert.equal(media.pc, FakePeer.all[0]);
  assert.deepEqual(news, ["offered beside", "offered beside"]);
});

test("when the connection that plays is lost, the new one takes its place at once", async () => {
  const { media, clock, news } = await playing();
  media.move(SETUP);
  await flow(clock, LOOK_EVERY, FakePeer.all[0]);
  FakePeer.all[1].become("connected");
  FakePeer.all[0].become("failed");
  assert.equal(media.pc, FakePeer.all[1]);
  assert.ok(news.includes("moved") && !news.includes("down"));
  FakePeer.all[1].become("failed");
  await clock.pass(0);
  assert.deepEqual(news.slice(-4, -1), ["down", "connecting", "offered"], "and it is watched like any other");
  assert.equal(media.former, null);
});

test("a page that has no connection makes a plain one", async () => {
  const { media, clock, news } = await playing();
  media.stop();
  media.move(SETUP);
  await clock.pass(0);
  assert.deepEqual(news, ["connecting", "offered", ["programme", "track-2", false]]);
});

test("what flows is what came within the last half second", () => {
  let seen = nothingYet();
  /** @param {[string, number][]} counts */
  const look = (...counts) => (seen = looked(seen, new Map(counts)));
  for (let n = 1; n <= 3; n += 1) look(["a", n], ["b", n], ["c", 7]);
  assert.equal(replaced(seen, new Map([["a", 1]])), false, "b flows, too");
  assert.equal(replaced(seen, new Map([["a", 1], ["b", 2]])), true, "c has stopped long ago");
  for (let n = 4; n <= 8; n += 1) look(["a", n], ["b", 3], ["c", 7]);
  assert.equal(replaced(seen, new Map([["a", 1]])), true, "b has stopped meanwhile");
});

test("a take while a page changes over is seen by the timestamps of its new connection", () => {
  const coming = told({ ...nothing, point: "a", newest: 90_000 }, "b", 2_000_000_000);
  assert.equal(placeOf(coming, "b", true), "thumbnail");
  assert.equal(placeOf(told(coming, "b", 89_000), "b", true), "picture");
});
