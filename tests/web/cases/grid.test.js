import assert from "node:assert/strict";
import { test } from "node:test";
import { gridOf } from "../../../bridge/web/console/grid.js";

const REM = 16;
const LONGEST = 31; // letters of "Phòng họp không giấy UBND huyện"

/** Areas of the wall on desks of 1280 × 720, 1366 × 768, 1600 × 900 and 1920 × 1080. */
const AREAS = [[924, 300], [1010, 330], [1244, 430], [1564, 510]];

for (const [count, columns, rows, beside, least] of /** @type {[number, number, number, boolean, number][]} */ ([
  [1, 1, 1, true, 700], [2, 2, 1, false, 600], [3, 3, 1, false, 400], [4, 2, 2, true, 350],
  [12, 6, 2, false, 190], [24, 5, 5, true, 125], [36, 12, 3, false, 90],
])) {
  test(`${count} tiles stand in ${columns} columns at 1600 × 900`, () => {
    const grid = gridOf(count, 1244, 430, REM, LONGEST);
    assert.deepEqual([grid.columns, grid.rows, grid.beside], [columns, rows, beside]);
    assert.ok(grid.picture >= least, `${grid.picture}`);
    assert.equal(grid.cut, false);
  });
}

test("every number of tiles from 1 to 48 fits, and no column is left empty", () => {
  for (const [width, height] of AREAS) {
    for (let count = 1; count <= 48; count += 1) {
      // From 25 points on the monitors leave more room.
      const high = count > 24 ? height * 1.22 : height;
      const { columns, rows, picture, beside, dense } = gridOf(count, width, high, REM, LONGEST);
      const where = `${count} in ${width} × ${high}`;
      assert.ok(columns * rows >= count && columns * (rows - 1) < count, where);
      const cell = { wide: (width - 6 * (columns - 1)) / columns - 8, high: (high - 6 * (rows - 1)) / rows - 8 };
      const rem = dense ? REM * 0.8 : REM;
      assert.ok(picture + (beside ? 7 * rem : 0) <= cell.wide, where);
      assert.ok((picture * 9) / 16 + (beside ? 0 : 3 * rem) <= cell.high, where);
      if (width > 1200) assert.ok(picture >= 64, `${where}: ${picture}`);
    }
  }
});

test("three points use the area: their pictures are limited by its width alone", () => {
  for (const [width, height] of AREAS) {
    const { picture } = gridOf(3, width, height, REM, LONGEST);
    assert.equal(picture, Math.floor((width - 12) / 3 - 8));
    assert.ok(picture > gridOf(12, width, height, REM, LONGEST).picture * 1.9);
  }
});

test("with shorter names pictures are larger, never smaller", () => {
  for (const [width, height] of AREAS) {
    for (let count = 1; count <= 48; count += 1) {
      const long = gridOf(count, width, height, REM, LONGEST);
      const short = gridOf(count, width, height, REM, 8);
      assert.ok(short.picture * (long.dense ? 1.25 : 1) >= long.picture, `${count} in ${width} × ${height}`);
    }
  }
});

test("names are cut only where pictures would vanish", () => {
  assert.equal(gridOf(24, 924, 300, REM, LONGEST).cut, true);
  assert.equal(gridOf(24, 924, 300, REM, 14).cut, false);
  assert.equal(gridOf(12, 924, 300, REM, LONGEST).cut, false);
});

test("an area of nothing still has a grid", () => {
  const { columns, rows, picture } = gridOf(0, 0, 0, REM, 0);
  assert.deepEqual([columns, rows, picture], [1, 1, 0]);
  assert.equal(gridOf(12, 10, 10, REM, LONGEST).picture, 0);
});
