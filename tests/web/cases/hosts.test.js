import assert from "node:assert/strict";
import { test } from "node:test";
import { Hosts, hostsOf, seek } from "../../../bridge/web/common/hosts.js";
import { FakeClock, settled } from "./support.js";

const A = "https://192.0.2.10";
const B = "https://192.0.2.11";

/**
 * Hosts that answer by hand: true, false, or nothing ("lost").
 * @param {Record<string, boolean | "lost">} said
 */
function network(said) {
  const clock = new FakeClock();
  /** @type {string[]} */
  const asked = [];
  /** @param {string} host @returns {Promise<boolean>} */
  const leads = (host) => {
    asked.push(host);
    const answer = said[host];
    if (answer === undefined) return Promise.reject(new TypeError("refused"));
    return answer === "lost" ? new Promise(() => {}) : Promise.resolve(answer);
  };
  return {
    clock, asked, leads,
    /** @param {() => void} work @param {number} seconds */
    later: (work, seconds) => clock.later(work, seconds),
    /** @param {number} timer */
    cancel: (timer) => clock.cancel(timer),
  };
}

/** What a browser keeps. @param {Record<string, string>} kept */
const memory = (kept = {}) => ({
  kept,
  /** @param {string} name */
  getItem: (name) => kept[name] ?? null,
  /** @param {string} name @param {string} value */
  setItem: (name, value) => void (kept[name] = value),
});

test("whoever leads is found at once, whatever the others do", async () => {
  for (const other of /** @type {const} */ ([false, "lost"])) {
    const net = network({ [A]: other, [B]: true });
    assert.equal(await seek([A, B], net), B);
    assert.equal(net.clock.timers.size, 0, "nothing is left behind");
  }
  assert.equal(await seek([A, B], network({ [B]: true })), B, "and one that refuses the connection");
});

test("hosts are asked again until one leads, or for so long", async () => {
  /** @type {Record<string, boolean | "lost">} */
  const said = { [A]: "lost", [B]: false };
  const net = network(said);
  const found = seek([A, B], net);
  await net.clock.pass(2);
  assert.equal(net.asked.filter((host) => host === A).length, 1, "who does not answer is not asked twice");
  assert.ok(net.asked.length > 5);
  said[B] = true;
  await net.clock.pass(0.3);
  assert.equal(await found, B);
  const lonely = network({});
  const never = seek([A], lonely);
  await lonely.clock.pass(60);
  assert.equal(await never, null);
  assert.equal(lonely.clock.timers.size, 0);
});

for (const [text, expected] of /** @type {const} */ ([
  [null, []],
  ["", []],
  ["{", []],
  ['"https://a"', []],
  ['{"0": "https://a"}', []],
  [`["${A}", 7, null, "javascript:alert(1)", "https://a/path", "https://user@a", "https://a?b", "${B}"]`, [A, B]],
  [JSON.stringify(Array(20).fill(A)), Array(8).fill(A)],
])) {
  test(`what was kept is looked at before it is used: ${text?.slice(0, 20)}`, () => {
    assert.deepEqual(hostsOf(text), expected);
  });
}

test("a page follows whoever leads, keeps the hosts, and comes back", async () => {
  /** @type {Record<string, boolean | "lost">} */
  const said = { [A]: true, [B]: false };
  const store = memory();
  const hosts = new Hosts(A, network(said), store);
  assert.equal(await hosts.follow(), false, "nobody else is known");
  hosts.learn([A, B]);
  assert.deepEqual(hostsOf(store.kept.hosts), [A, B]);
  assert.equal(await hosts.follow(), false);
  assert.equal(hosts.address("/api/v1/x"), "/api/v1/x");
  Object.assign(said, { [A]: false, [B]: true });
  assert.equal(await hosts.follow(), true);
  assert.equal(hosts.address("/api/v1/x"), `${B}/api/v1/x`);
  assert.equal(hosts.socketAddress("/ws"), "wss://192.0.2.11/ws");
  Object.assign(said, { [A]: true, [B]: "lost" });
  assert.equal(await hosts.follow(), true);
  assert.equal(hosts.abroad, false);
  const later = new Hosts(B, network({ [A]: true }), store);
  assert.equal(await later.follow(), true, "a page that is loaded anew knows them");
});

test("one look serves all who ask meanwhile", async () => {
  const net = network({ [A]: false, [B]: true });
  const hosts = new Hosts(A, net, memory({ hosts: JSON.stringify([A, B]) }));
  const both = [hosts.follow(), hosts.follow()];
  await settled();
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.equal(net.asked.length, 2);
});

test("a page whose own address is none of the hosts' stays where it is", async () => {
  const hosts = new Hosts("https://floating.example", network({ [A]: true, [B]: false }), memory());
  hosts.learn([A, B]);
  assert.equal(hosts.several, false);
  hosts.learn([A]);
  assert.equal(hosts.several, false);
});
