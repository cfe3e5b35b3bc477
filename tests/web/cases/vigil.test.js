import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, ANSWER_LIMIT, SILENCE_LIMIT } from "../../../bridge/web/common/protocol.js";
import { Vigil, patiently } from "../../../bridge/web/common/vigil.js";
import { FakeClock, FakeNetwork, settled } from "./support.js";
import { welcome } from "./samples.js";

test("silence is what was looked for and not heard", () => {
  const vigil = new Vigil(1, 100);
  assert.equal(vigil.look(101), 1);
  assert.equal(vigil.look(102), 2);
  vigil.heard(102.5);
  assert.equal(vigil.silence, 0);
  assert.equal(vigil.look(103), 0.5);
});

test("a page that stood still calls nobody silent", () => {
  for (const late of [5, 60, 86400]) {
    const vigil = new Vigil(1, 0);
    assert.equal(vigil.look(late), 2, "what one look counts at most");
    assert.equal(vigil.look(late + 1), 3, "and from then on every second counts");
  }
  const vigil = new Vigil(0.25, 10);
  assert.equal(vigil.look(9), 0, "nor does a clock that goes back");
});

test("a wait ends in time, once, and can be ended", async () => {
  const clock = new FakeClock();
  let done = 0;
  patiently(clock, 8, () => (done += 1));
  await clock.pass(7.9);
  assert.equal(done, 0);
  await clock.pass(0.1);
  assert.equal(done, 1);
  await clock.pass(60);
  assert.equal(done, 1);
  const cancel = patiently(clock, 8, () => (done += 1));
  await clock.pass(5);
  cancel();
  await clock.pass(60);
  assert.equal(done, 1);
  assert.equal(clock.timers.size, 0);
});

/** A clock whose timers all come late at once, as those of a page that stood still. @param {FakeClock} clock @param {number} seconds */
async function standStill(clock, seconds) {
  clock.time += seconds;
  for (const [timer, { work }] of [...clock.timers]) {
    clock.timers.delete(timer);
    work();
  }
  await settled();
}

test("a wait that was slept through goes on", async () => {
  const clock = new FakeClock();
  let done = false;
  patiently(clock, 8, () => (done = true));
  await standStill(clock, 3600);
  assert.equal(done, false);
  await clock.pass(5.9);
  assert.equal(done, false);
  await clock.pass(0.1);
  assert.equal(done, true);
});

test("a page that slept keeps its connection and its questions", async () => {
  const network = new FakeNetwork();
  const connection = new Connection({ kind: "console" }, { message: () => {}, status: () => {} }, network.environment);
  connection.start();
  await settled();
  network.last.accept();
  network.last.say(welcome());
  const asked = connection.command("giao-ban", { type: "take" });
  await standStill(network.clock, 10 * SILENCE_LIMIT);
  assert.equal(network.sockets.length, 1, "the bridge was not silent, the page was");
  network.last.say({ type: "result", id: 1, ok: true, seq: 7, error: null, key: "" });
  assert.equal((await asked).ok, true);
  assert.ok(10 * SILENCE_LIMIT > ANSWER_LIMIT);
  // What ends now was ended by the bridge, a moment after it was heard.
  network.last.drop(1006);
  assert.equal(connection.cause, "bridge");
});
