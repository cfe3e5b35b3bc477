import assert from "node:assert/strict";
import { test } from "node:test";
import { blockedKey } from "../../../bridge/web/common/blocked.js";
import { CONNECT_LIMIT, DISCONNECTED_LIMIT, Media } from "../../../bridge/web/common/media.js";
import { FakeClock, settled } from "./support.js";

/** What is used of an RTCPeerConnection; it does what a case says. */
class FakePeer {
  constructor() {
    this.connectionState = "new";
    this.localDescription = { sdp: "offer" };
    this.onconnectionstatechange = () => {};
    FakePeer.all.push(this);
  }

  /** @type {FakePeer[]} */
  static all = [];
  static get last() {
    return /** @type {FakePeer} */ (FakePeer.all.at(-1));
  }

  async createOffer() {
    return { sdp: "v=0" };
  }

  async setLocalDescription() {}
  async setRemoteDescription() {}
  close() {
    this.connectionState = "closed";
  }

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
}

/** Media that has just offered, with the statuses that it tells. */
async function started(answer = async () => "v=0 answer") {
  Object.assign(globalThis, { RTCPeerConnection: FakePeer, RTCRtpReceiver: { getCapabilities: () => null } });
  FakePeer.all = [];
  const clock = new FakeClock();
  /** @type {string[]} */
  const statuses = [];
  const media = new Media({ offer: answer }, { track: () => {}, status: (status) => statuses.push(status) }, clock);
  media.start({ slots: { video: [], audio: [] }, layers: [], sends: "none" });
  await clock.pass(0);
  return { media, clock, statuses };
}

test("connections that are answered and never come up are counted, until one does", async () => {
  const { media, clock } = await started();
  await clock.pass(CONNECT_LIMIT);
  assert.equal(media.failures, 1);
  await clock.pass(1);
  FakePeer.last.become("failed");
  assert.equal(media.failures, 2);
  await clock.pass(1);
  FakePeer.last.become("connected");
  assert.equal(media.failures, 0);
  FakePeer.last.become("failed");
  assert.equal(media.failures, 0, "a line that was cut is no line that never was");
});

test("each connection gets more time than the one before, up to a bound", async () => {
  const { media, clock } = await started();
  for (const [number, limit] of [1, 2, 4, 4].entries()) {
    while (FakePeer.all.length === number) await clock.pass(0.1);
    await clock.pass(limit * CONNECT_LIMIT - 0.2);
    assert.equal(media.failures, number, `not before ${limit} times the limit`);
    await clock.pass(0.2);
    assert.equal(media.failures, number + 1);
  }
});

test("a bridge that does not answer an offer is no blocked line", async () => {
  const { media, clock } = await started(async () => {
    throw new TypeError("no network");
  });
  await clock.pass(30);
  assert.equal(media.failures, 0);
  assert.ok(FakePeer.all.length > 3, "and it is tried again");
});

test("a connection that is disconnected is given up, unless it comes back", async () => {
  const { media, clock, statuses } = await started();
  FakePeer.last.become("connected");
  FakePeer.last.become("disconnected");
  await clock.pass(DISCONNECTED_LIMIT - 0.1);
  FakePeer.last.become("connected");
  await clock.pass(60);
  assert.equal(FakePeer.all.length, 1);
  FakePeer.last.become("disconnected");
  await clock.pass(DISCONNECTED_LIMIT);
  assert.equal(statuses.at(-1), "connecting", "a new one is on its way");
  assert.equal(FakePeer.all.length, 2);
  media.stop();
  await clock.pass(60);
  assert.equal(FakePeer.all.length, 2);
});

test("a page that stood still gives no connection up for that", async () => {
  const { media, clock } = await started();
  FakePeer.last.become("connected");
  FakePeer.last.become("disconnected");
  clock.time += 60; // the timer comes a minute late, and before the news that all is well
  const [[timer, { work }]] = clock.timers;
  clock.timers.delete(timer);
  work();
  await settled();
  FakePeer.last.become("connected");
  await clock.pass(60);
  assert.equal(FakePeer.all.length, 1);
  assert.equal(media.up, true);
});

test("after two failures a page says what to try, where it is of use", () => {
  const chromium = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36";
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  /** @type {[number, string, string, string][]} */
  const cases = [
    [0, firefox, "127.0.0.1", ""],
    [1, firefox, "127.0.0.1", ""],
    [2, firefox, "127.0.0.1", "media.blocked_firefox"],
    [9, firefox, "localhost", "media.blocked_firefox"],
    [2, firefox, "10.20.0.2", "media.blocked"],
    [2, chromium, "cau.lac-thuy.example", "media.blocked"],
    [2, chromium, "[::1]", "media.blocked_local"],
  ];
  for (const [failures, userAgent, host, key] of cases) {
    assert.equal(blockedKey(failures, { userAgent, host }), key, `${failures} ${host}`);
  }
});
