import assert from "node:assert/strict";
import { test } from "node:test";
import { decoded, nothing, placeOf, told } from "../../../bridge/web/common/handover.js";
import { after, stateMessage, welcome } from "./samples.js";

const WRAP = 2 ** 32;

test("a take shows the thumbnail until the first picture of the new point is decoded", () => {
  let seen = decoded(told(nothing, "a", 1000), 1000);
  assert.equal(placeOf(seen, "a", true), "picture");
  assert.equal(placeOf(seen, "b", true), "thumbnail", "in the next frame, before the bridge has switched");
  seen = decoded(seen, 4000); // still the old point's
  seen = told(seen, "b", 9000);
  assert.equal(placeOf(seen, "b", true), "thumbnail");
  seen = decoded(seen, 8999);
  assert.equal(placeOf(seen, "b", true), "thumbnail", "a picture of the old point came late");
  seen = decoded(seen, 9000);
  assert.equal(placeOf(seen, "b", true), "picture");
});

test("the picture may be there before the bridge's word, and time stamps wrap", () => {
  const seen = decoded(told(nothing, "a", WRAP - 500), WRAP - 500);
  assert.equal(placeOf(told(decoded(seen, 2500), "b", 2500), "b", true), "picture");
  assert.equal(placeOf(told(decoded(seen, WRAP - 100), "b", 2500), "b", true), "thumbnail");
});

test("without time stamps the second picture is the new point's", () => {
  let seen = told(nothing, "a", null);
  seen = decoded(seen, null);
  assert.equal(placeOf(seen, "a", false), "slate");
  assert.equal(placeOf(decoded(seen, null), "a", false), "picture");
});

test("another layer of the same point changes nothing", () => {
  const seen = decoded(told(nothing, "a", 1000), 1000);
  assert.equal(placeOf(told(seen, "a", 90_000), "a", true), "picture");
});

test("a point whose picture ends, or never came, has a slate", () => {
  const seen = decoded(told(nothing, "a", 1000), 1000);
  assert.equal(placeOf(told(seen, null, null), "a", false), "slate");
  assert.equal(placeOf(seen, "b", false), "slate");
  assert.equal(placeOf(seen, null, false), "none");
  assert.equal(placeOf(told(told(seen, null, null), "a", 5000), "a", true), "thumbnail", "back again");
});

test("a take back before anything came shows the old picture, which never went", () => {
  const seen = decoded(told(nothing, "a", 1000), 1000);
  assert.equal(placeOf(seen, "b", true), "thumbnail");
  assert.equal(placeOf(seen, "a", true), "picture");
});
