import assert from "node:assert/strict";
import { test } from "node:test";
import { UNSENT } from "../../../bridge/web/common/protocol.js";
import { bringPaper } from "../../../bridge/web/desk/case_papers.js";
import { settled } from "./support.js";

const FILE = new File(["%PDF"], "a.pdf");
const DONE = { ok: true, error: null, key: "" };
const LOST = { ok: false, error: null, key: UNSENT };
const REFUSED = { ok: false, error: { vi: "Không được.", en: "No." }, key: "x" };

/** A client whose connection comes and goes as a case says, before a bridge that takes every file. */
function fake() {
  /** @type {string[]} */
  const done = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  const bridge = { up: true, outcomes: [DONE] };
  globalThis.fetch = async (address) => {
    done.push(`file to ${new URL(String(address), "http://127.0.0.1").pathname}`);
    return new Response(JSON.stringify({ id: "p1" }));
  };
  const client = {
    link: /** @type {import("../../../bridge/web/common/protocol.js").Status} */ ("up"),
    state: { self: "desk", conference: { id: "one" } },
    connection: {
      session: "s",
      command: async (/** @type {string} */ call, /** @type {{type: string}} */ command) => {
        done.push(`${command.type} in ${call}`);
        const outcome = bridge.outcomes.shift() ?? DONE;
        if (outcome === LOST) bridge.up = false;
        return outcome;
      },
    },
    connected: () => (bridge.up ? Promise.resolve() : new Promise((resolve) => waiting.push(() => resolve(undefined)))),
  };
  const back = () => {
    bridge.up = true;
    for (const go of waiting.splice(0)) go();
    return settled();
  };
  return { bridge, client: /** @type {any} */ (client), done, back };
}

test("a paper that is brought while the connection is away comes and is shown when it is back", async () => {
  const { bridge, client, done, back } = fake();
  bridge.up = false;
  const brought = bringPaper(client, FILE);
  await settled();
  assert.deepEqual(done, []);
  await back();
  assert.equal((await brought).ok, true);
  assert.deepEqual(done, ["file to /api/v1/room/papers", "show_page in one"]);
});

test("a paper that came just before the connection was lost is shown when it is back", async () => {
  const { bridge, client, done, back } = fake();
  bridge.outcomes = [LOST, DONE];
  const brought = bringPaper(client, FILE);
  await settled();
  assert.deepEqual(done, ["file to /api/v1/room/papers", "show_page in one"]);
  await back();
  assert.equal((await brought).ok, true);
  assert.deepEqual(done, ["file to /api/v1/room/papers", "show_page in one", "show_page in one"]);
});

test("what the bridge refuses, or a session that is over, is not asked again", async () => {
  const refused = fake();
  refused.bridge.outcomes = [REFUSED];
  assert.deepEqual(await bringPaper(refused.client, FILE), REFUSED);
  const over = fake();
  over.bridge.outcomes = [LOST];
  over.client.link = "ended";
  assert.deepEqual(await bringPaper(over.client, FILE), LOST);
  assert.deepEqual(over.done, ["file to /api/v1/room/papers", "show_page in one"]);
});

test("a paper is shown in the call into which it was brought, though another one has begun meanwhile", async () => {
  const { bridge, client, done, back } = fake();
  bridge.up = false;
  const brought = bringPaper(client, FILE);
  await settled();
  client.state = { self: "desk", conference: { id: "two" } };
  await back();
  await brought;
  assert.deepEqual(done, ["file to /api/v1/room/papers", "show_page in one"]);
});
