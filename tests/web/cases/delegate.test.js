// A delegate's telephone: what an address asks for, the secret that is kept, and codes as drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf } from "../../../bridge/web/common/qr.js";
import { Keeping, askedBy, madeSecret } from "../../../bridge/web/delegate/keeping.js";

/** A store as a browser has it. */
function store() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    /** @param {string} key */
    getItem: (key) => kept.get(key) ?? null,
    /** @param {string} key @param {string} value */
    setItem: (key, value) => void kept.set(key, value),
    /** @param {string} key */
    removeItem: (key) => void kept.delete(key),
  };
}

let made = 0;
/** @param {Uint8Array} octets */
const fill = (octets) => void octets.fill((made += 1));

test("an address asks for a code, a link, or nothing", () => {
  assert.deepEqual(askedBy("#code=x-1~khoan-du~1~99~Ab_-"), { kind: "code", text: "x-1~khoan-du~1~99~Ab_-" });
  assert.deepEqual(askedBy("#link=Ab_-9"), { kind: "link", text: "Ab_-9" });
  for (const hash of ["", "#", "#code=", "#code=<b>", "#other=1", "code=1", `#link=${"a".repeat(301)}`]) {
    assert.equal(askedBy(hash).kind, "");
  }
});

test("a secret is what the bridge takes", () => {
  const secret = madeSecret((octets) => void octets.forEach((_, at) => (octets[at] = 255 - at)));
  assert.match(secret, /^[A-Za-z0-9_-]{32,64}$/);
});

test("the same address keeps its secret, however often it is sent; another one has its own", () => {
  const keeping = new Keeping(store(), fill);
  assert.equal(keeping.secret, "");
  const first = keeping.secretFor({ kind: "link", text: "a" });
  assert.equal(keeping.secretFor({ kind: "link", text: "a" }), first);
  assert.equal(keeping.secret, first);
  const second = keeping.secretFor({ kind: "link", text: "b" });
  assert.notEqual(second, first);
  assert.notEqual(keeping.secretFor({ kind: "code", text: "b" }), second);
  keeping.forget();
  assert.equal(keeping.secret, "");
});

test("a code is drawn in runs, with its margin", () => {
  assert.equal(pathOf(["101", "011"]), "M4 4h1v1h-1zM6 4h1v1h-1zM5 5h2v1h-2z");
  assert.equal(pathOf(["00"]), "");
});
