"""`demo --impair`: exactly that tile, lamp and direction turn, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.app.credentials import LOCAL_TOKEN
from bridge.demo.run import Demo
from tests.live.browsers import chromium, new_page
from tests.live.test_ready import everybody_is_well, running_demo
from tests.waiting import HANG

POINT = "khoan-du"
LIT = {"good", "warn"}  # lamps of points that are there
# What all tiles say of both directions, once they do: beside busy cores figures may be old awhile.
TILES = """() => {
  const tiles = [...document.querySelectorAll('.cell')].map(tile =>
    [tile.dataset.point, [tile.querySelector('.lines').dataset.level,
                          tile.querySelector('.lines').dataset.mark]]);
  return tiles.length === 12 && tiles.every(([, [, mark]]) => mark?.startsWith('↑'))
    && Object.fromEntries(tiles);
}"""


@contextlib.asynccontextmanager
async def impaired(folder: Path, text: str) -> AsyncIterator[Demo]:
    async with running_demo(folder, impaired={POINT: text}) as (demo, _):
        yield demo


async def lamps(demo: Demo, folder: Path) -> dict[str, dict[str, str]]:
    token = (folder / "state" / LOCAL_TOKEN).read_text("utf-8").strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{demo.process.url}/api/v1/points", headers=headers) as response,
    ):
        points: list[dict[str, Any]] = await response.json()
    return {p["id"]: {lamp["name"]: lamp["level"] for lamp in p["lamps"]} for p in points}


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
async def test_exactly_that_tile_lamp_and_direction_turn(tmp_path: Path) -> None:
    began = time.monotonic()
    async with impaired(tmp_path, "loss-down=5%") as demo, chromium() as browser:
        control = demo.process.control
        async with asyncio.timeout(HANG):
            while not all(  # noqa: ASYNC110 - figures have no event
                (q := demo.process.health.quality.get(p)) is not None
                and "unknown" not in (q.up, q.down)
                for p in control.topology.points
            ):
                await asyncio.sleep(0.1)
        print(f"turned after {time.monotonic() - began:.1f} s")  # docs/performance.md
        levels = {p: (q.up, q.down) for p, q in demo.process.health.quality.items()}
        assert levels.pop(POINT) in {("good", "fair"), ("good", "poor")}
        assert set(levels.values()) == {("good", "good")}
        await everybody_is_well(demo)
        async with asyncio.timeout(HANG):
            while True:  # until every point has said how its devices are
                shown = await lamps(demo, tmp_path)
                if {level for found in shown.values() for level in found.values()} <= LIT:
                    break
        assert shown.pop(POINT) == {"picture": "good", "sound": "good", "line": "warn"}
        assert all(set(found.values()) == {"good"} for found in shown.values()), shown
        page = await new_page(browser)
        await page.goto(f"{demo.process.url}/console#demo={demo.process.auth.demo_key('demo')}")
        await page.wait_for_selector("#templates li")
        await page.keyboard.press("s")
        tiles = await (await page.wait_for_function(TILES)).json_value()
        level, mark = tiles.pop(POINT)
        assert level in ("fair", "poor", "bad")
        assert mark.startswith("↑Tốt ↓")
        assert "↓Tốt" not in mark
        assert {tuple(found) for found in tiles.values()} == {("good", "↑Tốt ↓Tốt")}
