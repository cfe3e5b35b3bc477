import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_LIMIT, Connection, LOOK_LIMIT, RETRY, SILENCE_LIMIT, UNANSWERED, UNSENT } from "../../../bridge/web/common/protocol.js";
import { Refused } from "../../../bridge/web/common/refused.js";
import { FakeNetwork, settled } from "./support.js";

/** A connection with everything that it tells. */
function make(identity = { point: "khoan-du", key: "secret" }) {
  const network = new FakeNetwork();
  /** @type {string[]} */
  const statuses = [];
  /** @type {any[]} */
  const messages = [];
  const connection = new Connection(identity, {
    message: (message) => messages.push(message),
    status: (status) => statuses.push(status),
  }, network.environment);
  return { network, clock: network.clock, connection, statuses, messages };
}

/** The same, connected and welcomed. */
async function connected() {
  const made = make();
  made.connection.start();
  await settled();
  made.network.last.accept();
  made.network.last.say({ type: "welcome" });
  return made;
}

/** A connection of its own to such a network. @param {FakeNetwork} network */
async function connectedTo(network) {
  const connection = new Connection({ point: "khoan-du", key: "secret" }, { message() {}, status() {} }, network.environment);
  connection.start();
  await settled();
  network.last.accept();
}

const command = /** @type {const} */ ({ type: "take" });

/** What a promise has resolved with so far. @template T @param {Promise<T>} promise */
function watched(promise) {
  /** @type {{value: T | undefined}} */
  const box = { value: undefined };
  promise.then((value) => (box.value = value));
  return box;
}

test("a session is opened with the identity, then hello names it", async () => {
  const { network, connection, statuses } = make();
  connection.start();
  await settled();
  assert.deepEqual(network.posts, [{
    path: "/api/v1/sessions", body: '{"point":"khoan-du","key":"secret"}', type: "application/json", token: "",
  }]);
  network.last.accept();
  assert.deepEqual(network.last.sent, [
    { type: "hello", version: 2, session: "session-1", conference: "", last_seq: 0 },
  ]);
  assert.deepEqual(statuses, ["connecting"]);
  network.last.say({ type: "welcome" });
  assert.deepEqual(statuses, ["connecting", "up"]);
});

test("a lost connection comes back with the same session, and the log goes on where it was", async () => {
  const { network, clock, statuses } = await connected();
  network.last.say({ type: "events", conference: "giao-ban", events: [{ seq: 1 }, { seq: 41 }], reset: false });
  network.last.drop(1006);
  assert.equal(statuses.at(-1), "down");
  await clock.pass(RETRY[0]);
  assert.equal(network.sockets.length, 2);
  network.last.accept();
  assert.equal(network.posts.length, 1, "no second session");
  assert.deepEqual(network.last.sent[0], {
    type: "hello", version: 2, session: "session-1", conference: "giao-ban", last_seq: 41,
  });
});

test("the log of another conference, or one that is reset, is counted from its start", async () => {
  const { network, connection } = await connected();
  network.last.say({ type: "events", conference: "a", events: [{ seq: 90 }], reset: false });
  network.last.say({ type: "events", conference: "b", events: [{ seq: 3 }], reset: false });
  assert.deepEqual([connection.conference, connection.lastSeq], ["b", 3]);
  network.last.say({ type: "events", conference: "b", events: [], reset: true });
  assert.equal(connection.lastSeq, 0);
});

test("tries follow the table and stay at its end; a welcome starts it anew", async () => {
  const { network, clock, connection } = make();
  network.answer = () => {
    throw new TypeError("network is down");
  };
  connection.start();
  await settled();
  let tries = 1;
  for (const delay of [...RETRY, RETRY.at(-1) ?? 0, RETRY.at(-1) ?? 0]) {
    if (delay > 0) {
      await clock.pass(delay - 0.01);
      assert.equal(network.posts.length, tries, `not before ${delay} s`);
      await clock.pass(0.01);
    } else await clock.pass(0);
    tries += 1;
    assert.equal(network.posts.length, tries, `after ${delay} s`);
  }
  network.answer = () => '{"session": "s"}';
  await clock.pass(RETRY.at(-1) ?? 0);
  network.last.accept();
  network.last.say({ type: "welcome" });
  assert.equal(connection.tries, 0);
});

test("start tries at once instead of at the next turn, and never twice at the same time", async () => {
  const { network, clock, connection } = make();
  network.answer = () => {
    throw new TypeError("network is down");
  };
  connection.start();
  await clock.pass(60);
  const before = network.posts.length;
  network.answer = () => '{"session": "s"}';
  connection.start(); // the browser says that the network is back
  connection.start();
  await settled();
  assert.equal(network.posts.length, before + 1);
  assert.equal(network.sockets.length, 1);
  await clock.pass(4);
  assert.equal(network.sockets.length, 1, "the turn that waited is gone");
});

for (const [status, said] of /** @type {const} */ ([[401, "wrong_key"], [403, "wrong_key"], [409, "busy"], [503, "down"]])) {
  test(`a session that is refused with ${status} is ${said}, with the bridge's reason`, async () => {
    const { network, connection, statuses } = make();
    const problem = { type: "", status, title: "No.", title_vi: "Không." };
    network.answer = () => {
      throw new Refused(status, problem);
    };
    /** @type {any} */
    let reason = null;
    connection.handlers = { message() {}, status: (value, why) => statuses.push(value) && (reason = why) };
    connection.start();
    await settled();
    assert.deepEqual(statuses, ["connecting", said]);
    assert.equal(reason, problem);
  });
}

test("a session that the bridge does not know any more is replaced", async () => {
  const { network, clock } = await connected();
  network.last.drop(4401);
  await clock.pass(0);
  assert.equal(network.posts.length, 2);
  network.last.accept();
  assert.equal(network.last.sent[0].session, "session-2");
});

test("a page learns of the hosts, and asks who leads before each connection", async () => {
  const { network, clock } = make();
  const { hosts } = network.environment;
  let asked = 0;
  hosts.follow = async () => ++asked > 1;
  await connectedTo(network);
  network.last.say({ type: "welcome", hosts: ["https://a", "https://b"] });
  assert.deepEqual(network.learnt, [["https://a", "https://b"]]);
  network.last.drop(4421); // this one does not lead
  await clock.pass(0);
  assert.equal(asked, 2);
  network.last.accept();
  assert.equal(network.last.sent[0].session, "session-1", "the session is known to all hosts");
});

for (const [several, moved, left] of /** @type {const} */ ([[true, true, true], [true, false, false], [false, true, false]])) {
  test(`a host that is silent is ${left ? "left" : "kept"}: ${several ? "several" : "one"}, ${moved ? "another leads" : "it leads still"}`, async () => {
    const { network, clock } = await connected();
    const { hosts } = network.environment;
    Object.assign(hosts, { several });
    hosts.follow = async () => moved;
    await clock.pass(LOOK_LIMIT);
    assert.equal(network.sockets.length, 1);
    await clock.pass(1);
    assert.equal(network.sockets[0].closedByPage, left);
    assert.equal(network.sockets.length, left ? 2 : 1);
  });
}

for (const code of [4403, 4409]) {
  test(`after the close code ${code} the page stays away`, async () => {
    const { network, clock } = await connected();
    network.last.drop(code);
    await clock.pass(120);
    assert.equal(network.sockets.length, 1);
    assert.equal(network.posts.length, 1);
  });
}

test("after the end of the session the page stays away", async () => {
  const { network, clock, statuses } = await connected();
  network.last.say({ type: "ended", reason: "taken_over", sentence: { vi: "", en: "" } });
  network.last.drop(1000);
  await clock.pass(120);
  assert.equal(network.sockets.length, 1);
  assert.equal(statuses.at(-1), "ended");
});

test("who leaves says so and stays away", async () => {
  const { network, clock, connection } = await connected();
  connection.leave();
  assert.deepEqual(network.last.sent.at(-1), { type: "bye" });
  network.last.drop(1000);
  await clock.pass(120);
  assert.equal(network.sockets.length, 1);
});

test("silence ends a connection, a message keeps it", async () => {
  const { network, clock, statuses } = await connected();
  await clock.pass(SILENCE_LIMIT - 1);
  network.last.say({ type: "levels", levels: {}, now: 0 });
  await clock.pass(SILENCE_LIMIT);
  assert.equal(network.sockets.length, 1);
  assert.equal(statuses.at(-1), "up");
  await clock.pass(2);
  assert.equal(network.sockets[0].closedByPage, true);
  assert.ok(statuses.includes("down"));
  assert.equal(network.sockets.length, 2);
  network.sockets[0].drop(1006); // the browser says so at last: that is history
  assert.equal(network.sockets.length, 2);
});

test("a result finds its question, whatever the order", async () => {
  const { network, connection } = await connected();
  const first = watched(connection.command("giao-ban", command));
  const second = watched(connection.ask({ type: "typed", conference: "giao-ban", text: "end" }));
  const [one, two] = network.last.sent.slice(-2);
  assert.deepEqual(one, { type: "command", conference: "giao-ban", command: { type: "take" }, id: 1 });
  assert.deepEqual(two, { type: "typed", conference: "giao-ban", text: "end", id: 2 });
  const error = { vi: "Không.", en: "No." };
  network.last.say({ type: "result", id: 2, ok: false, seq: 0, error, key: "refusal.x" });
  await settled();
  assert.equal(first.value, undefined);
  assert.deepEqual([second.value?.ok, second.value?.error, second.value?.key], [false, error, "refusal.x"]);
  network.last.say({ type: "result", id: 1, ok: true, seq: 7, error: null, key: "" });
  await settled();
  assert.equal(first.value?.ok, true);
  assert.equal(connection.waiting.size, 0);
});

test("a command without a result in time is unanswered, and its entry is dropped", async () => {
  const { network, clock, connection } = await connected();
  const asked = watched(connection.command("giao-ban", command));
  const alive = clock.later(() => network.last.say({ type: "levels", levels: {}, now: 0 }), 5);
  await clock.pass(ANSWER_LIMIT - 0.1);
  assert.equal(asked.value, undefined);
  assert.equal(connection.waiting.size, 1);
  await clock.pass(0.1);
  assert.deepEqual(asked.value, { ok: false, error: null, key: UNANSWERED });
  assert.equal(connection.waiting.size, 0);
  network.last.say({ type: "result", id: 1, ok: true, seq: 7, error: null, key: "" });
  await settled();
  assert.equal(asked.value?.ok, false, "a result that comes too late changes nothing");
  assert.equal(network.sockets.length, 1, "the connection is kept");
  clock.cancel(alive);
});

test("a result in time leaves no timer behind", async () => {
  const { network, clock, connection } = await connected();
  const timers = clock.timers.size;
  const asked = watched(connection.command("giao-ban", command));
  assert.equal(clock.timers.size, timers + 1);
  network.last.say({ type: "result", id: 1, ok: true, seq: 7, error: null, key: "" });
  await settled();
  assert.equal(asked.value?.ok, true);
  assert.equal(clock.timers.size, timers);
});

test("without a connection nothing is sent, and what waits for a result learns that it is lost", async () => {
  const { network, connection, clock } = await connected();
  const asked = watched(connection.command("giao-ban", command));
  network.last.drop(1006);
  await settled();
  assert.deepEqual(asked.value, { ok: false, error: null, key: UNSENT });
  assert.deepEqual(await connection.command("giao-ban", command), { ok: false, error: null, key: UNSENT });
  await clock.pass(0);
  network.last.accept();
  assert.deepEqual(network.last.sent.map((message) => message.type), ["hello"]);
});

test("an offer goes with the session as its token", async () => {
  const { network, connection } = await connected();
  network.answer = () => "v=0 answer";
  assert.equal(await connection.offer("v=0 offer"), "v=0 answer");
  assert.deepEqual(network.posts.at(-1), {
    path: "/api/v1/offer", body: "v=0 offer", type: "application/sdp", token: "session-1",
  });
});

test("the limit of a command is shorter than the silence that ends a connection", () => {
  assert.ok(ANSWER_LIMIT < SILENCE_LIMIT);
});
