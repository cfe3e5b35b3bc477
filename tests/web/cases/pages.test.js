// Where pages of papers are drawn, and which one a room looks at.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leafOf, pageAfter, placement, pointed, wanted } from "../../../bridge/web/common/page_place.js";
import { turnOfKey } from "../../../bridge/web/room/keys.js";

const PAGE = { width: 1000, height: 1400 };
const PLACE = { width: 700, height: 700 };
const paper = { id: "x-p1", version: 1, title: "Plan", pages: 5, octets: 9, sha256: "ab", points: [] };
const showing = { paper: "x-p1", version: 1, page: 3, zoom: 2, x: 0.2, y: 0.8 };
/** @param {object} parts @returns {import("../../../bridge/web/types/protocol.js").ConferenceView} */
const conference = (parts) => /** @type {any} */ ({ papers: [paper], showing: null, ...parts });

test("the whole page is shown in the middle", () => {
  assert.deepEqual(placement(PAGE, PLACE, { zoom: 1, x: 0, y: 1 }), { left: 100, top: 0, width: 500, height: 700 });
});

test("a larger page leaves no empty space where there could be page", () => {
  for (const x of [0, 0.3, 0.5, 1]) {
    for (const y of [0, 0.3, 0.5, 1]) {
      const { left, top, width, height } = placement(PAGE, PLACE, { zoom: 2, x, y });
      assert.ok(left <= 0 && top <= 0 && left + width >= PLACE.width && top + height >= PLACE.height);
    }
  }
  const middle = placement(PAGE, PLACE, { zoom: 2, x: 0.5, y: 0.5 });
  assert.deepEqual(pointed(middle, 350, 350), { x: 0.5, y: 0.5 });
  assert.deepEqual(pointed(middle, -900, 9000), { x: 0, y: 1 });
});

test("a room follows the presenter, leafs by itself, and comes back", () => {
  assert.equal(leafOf(null, null), null);
  assert.equal(leafOf(conference({}), null), null);
  assert.deepEqual(leafOf(conference({ showing }), null), { paper, page: 3, look: showing });
  const own = leafOf(conference({ showing }), { paper: "x-p1", page: 9 });
  assert.ok(own?.paper && own.page === 5 && own.look.zoom === 1);
  assert.deepEqual(leafOf(conference({ showing, papers: [] }), null), { paper: null }, "not for this room");
  assert.equal(leafOf(conference({ papers: [] }), { paper: "x-p1", page: 1 }), null, "collected");
  assert.ok(leafOf(null, { paper: "x-p1", page: 1 }, [paper])?.paper, "kept after the conference");
});

test("pages end where the paper does", () => {
  assert.equal(pageAfter(paper, 5, 1), 5);
  assert.equal(pageAfter(paper, 1, -1), 1);
  assert.equal(pageAfter(paper, 2, 1), 3);
});

test("keys of presenters' remote controls leaf, Home follows", () => {
  assert.deepEqual(["PageDown", "PageUp", "Home", "x"].map(turnOfKey), ["next", "previous", "follow", null]);
  assert.equal(wanted(99999), 3840);
});
