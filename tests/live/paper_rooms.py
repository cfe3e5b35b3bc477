"""Rooms that look at papers in real browsers, and papers for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from tests.papers.support import COLOURS
from tests.waiting import HANG

# Rooms without devices: they cost little, and papers need none.
DEVICES = (Path(__file__).parent / "devices.js").read_text("utf-8")
NO_DEVICES = f"{DEVICES}\ndevices.video = devices.audio = 'NotFoundError';"
SHOWS = """([page, colour]) => {
  const canvas = document.querySelector('#paper-page canvas');
  if (canvas?.dataset.page !== String(page) || !canvas.width) return false;
  const [x, y] = [canvas.width >> 1, canvas.height >> 1];
  const found = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
  return colour.every((part, index) => Math.abs(part - found[index]) < 24);
}"""
FETCHED = """() => performance.getEntriesByType('resource')
  .filter(entry => entry.name.includes('/room/papers/')).map(entry => entry.transferSize)"""


async def shows(room: Page, page: int) -> None:
    """Wait until the room shows a page, by the colour in its middle."""
    colour = list(COLOURS[(page - 1) % len(COLOURS)])
    await room.wait_for_function(SHOWS, arg=[page, colour], polling=20)


async def shown_at(room: Page) -> float:
    """When the room has drawn what it shows, UTC seconds; all are one machine's clock."""
    return (
        float(await room.evaluate("document.querySelector('#paper-page canvas').dataset.at")) / 1e3
    )


async def brought(process: ControlProcess, conference: str, data: bytes) -> dict[str, Any]:
    """A paper, as a program brings it."""
    path = f"/papers?of={conference}&name=Kế hoạch.pdf"
    return dict(json.loads(await called(process, "POST", path, data)))


async def called(
    process: ControlProcess, method: str, path: str, data: bytes | None = None
) -> bytes:
    """What the interface answers a program."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as http,
        http.request(
            method,
            f"{process.url}/api/v1{path}",
            data=data,
            headers={"Authorization": f"Bearer {process.local_token}"},
        ) as response,
    ):
        assert response.status in (200, 201), await response.text()
        return await response.read()
