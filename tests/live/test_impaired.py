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
TILES = """() => Object.fromEntries([...document.querySelectorAll('.cell')].map(tile =>
    [tile.dataset.point, [tile.querySelector('.lines').dataset.level,
                          tile.querySelector('.lines').dataset.mark]]))"""


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
                (q := demo.process.health.quality.get(p)) is not None and q.down != "unknown"
                for p in control.topology.points
            ):
                await asyncio.sleep(0.1)
        print(f"turned after {time.monotonic() - began:.1f} s")  # docs/performance.md
        levels = {p: (q.up, q.down) for p, q in demo.process.health.quality.items()}
        assert levels.pop(POINT) in {("good", "fair"), ("good", "poor")}
        assert set(levels.values()) == {("good", "good")}
        shown = await lamps(demo, tmp_path)
        assert shown.pop(POINT) == {"picture": "good", "sound": "good", "line": "warn"}
        assert all(set(found.values()) == {"good"} for found in shown.values()), shown
        await everybody_is_well(demo)
        page = await new_page(browser)
        await page.goto(f"{demo.process.url}/console#demo={demo.process.auth.demo_key('demo')}")
        await page.wait_for_selector("#templates li")
        await page.keyboard.press("s")
        await page.wait_for_function(
            "() => document.querySelectorAll('.cell .lines[data-mark]').length === 12"
            " && [...document.querySelectorAll('.cell .lines')].every(l => l.dataset.mark)"
        )
        tiles = await page.evaluate(TILES)
        level, mark = tiles.pop(POINT)
        assert level in ("fair", "poor", "bad")
        assert mark.startswith("↑Tốt ↓")
        assert "↓Tốt" not in mark
        assert {tuple(found) for found in tiles.values()} == {("good", "↑Tốt ↓Tốt")}
