"""A console whose points are made up: a real bridge with any number of points, conferences and
lines of its own types, and pictures that the page draws itself. For what a page looks like with 3
or 24 points, which no test machine could simulate."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import SYSTEM, PointId
from bridge.control.line_quality import LineQuality
from bridge.control.views import Arriving
from bridge.signalling.protocol import RoomStatus
from config.schema import Name, Point
from tests.live.browsers import open_console
from tests.live.support import act, bridge_process, only, started
from tests.waiting import eventually

COMMUNES = (
    *("Xã Lạc Long", "Xã Cố Nghĩa", "Xã Liên Hòa", "Xã Thanh Nông", "Xã Đồng Môn", "Xã Phú Lão"),
    *("Xã Hưng Thi Thượng", "Xã An Lạc", "Xã Thanh Hà", "Xã Lạc Hưng", "Xã Bảo Hiệu"),
    "Xã Đoàn Kết",
)  # beyond the twelve of the demo

PAINT = (Path(__file__).parent / "rooms.js").read_text("utf-8")


def points_of(process: ControlProcess, count: int) -> list[Point]:
    """As many points as are asked for: those of the demo, and copies of one under other names."""
    known = list(process.topology.points)
    while len(known) < count:
        number = len(known)
        extra = number - len(process.topology.points)
        name = COMMUNES[extra] if extra < len(COMMUNES) else f"Xã thứ {number + 1}"
        known.append(known[-1].model_copy(update={"id": f"xa-{number}", "name": Name(vi=name)}))
    return known[:count]


class Made:
    """The bridge's side of a made-up conference."""

    def __init__(self, process: ControlProcess, count: int, patch: pytest.MonkeyPatch) -> None:
        self.process = process
        self.points = [p.id for p in points_of(process, count)]
        self.conference = ""
        publisher, routes = process.control.publisher, process.control.routes
        self._lines = publisher.lines
        self._levels = publisher.levels
        plan_of = publisher._slots

        def slots(session: Any, state: Any) -> Any:
            """Every slot shows what it is to show, where the point is in."""
            inside = set(state.present) if state is not None else set()
            return {
                name: type(view)(
                    wanted=view.wanted,
                    shown=view.wanted if view.wanted in inside else None,
                    layer="q",
                )
                for name, view in plan_of(session, state).items()
            }

        patch.setattr(publisher, "_slots", slots)
        patch.setattr(publisher, "lines", lambda quality: None)
        patch.setattr(publisher, "levels", lambda levels: None)
        patch.setattr(publisher, "_rooms", self.rooms)
        patch.setattr(publisher, "arriving", lambda point: Arriving("live", True))
        patch.setattr(process.control.presence, "_sync", lambda reason="lost": None)
        assert routes is not None
        swapped = process.topology.model_copy(update={"points": points_of(process, count)})
        process.control.swap_topology(swapped)

    def rooms(self) -> dict[str, RoomStatus]:
        present = only(self.process).present if self.process.conductor.running() else frozenset()
        return {
            p: RoomStatus(camera=True, microphone=True, sending=True, layout="speaker")
            for p in present
        }

    async def begin(self, *absent: str) -> None:
        """A conference with everybody in but ``absent``."""
        self.conference = await started(self.process)
        for point in self.points:
            if point not in absent:
                result = await self.process.conductor.submit(
                    self.conference, c.PointUp(point=point), SYSTEM
                )
                assert result, point

    async def do(self, *commands: c.Command) -> None:
        for command in commands:
            await act(self.process, self.conference, command)

    async def fact(self, command: c.Command) -> None:
        await self.process.conductor.submit(self.conference, command, SYSTEM)

    def measure(self, **changes: dict[str, Any]) -> None:
        """Good lines for all, but for what ``changes`` says of a point (``_`` for ``-``)."""
        now = self.process.conductor.now()
        quality = {}
        for number, point in enumerate(self.points):
            figures: dict[str, Any] = {
                "up": "good",
                "down": "good",
                "up_loss": 0.0,
                "down_loss": 0.0,
                "rtt_ms": 7.0 + number % 5,
                "at": now,
                "reach": "yes",
                "up_variation": 1.5,
                "down_variation": 2.0,
                "up_mos": 4.3,
                "down_mos": 4.3,
            }
            figures.update(changes.get(point.replace("-", "_"), {}))
            quality[point] = LineQuality(**figures)
        self._lines(quality)

    def sound(self, **levels: int) -> None:
        self._levels({point.replace("_", "-"): level for point, level in levels.items()})


@contextlib.asynccontextmanager
async def made_up(tmp_path: Path, count: int) -> AsyncIterator[Made]:
    with pytest.MonkeyPatch.context() as patch:
        async with bridge_process(tmp_path) as process:
            for number in range(count):
                process.keys.setdefault(PointId(f"xa-{number}"), "no key")
            yield Made(process, count, patch)


async def on_the_desk(browser: Browser, made: Made, width: int, height: int) -> Page:
    """The console with this conference on its desk, and pictures in all slots."""
    page = await open_console(browser, made.process)
    await page.set_viewport_size({"width": width, "height": height})
    await page.wait_for_selector("#desk:not([hidden])")
    await page.wait_for_function(
        "n => document.querySelectorAll('#tiles [data-point]').length === n", arg=len(made.points)
    )
    await page.wait_for_function("() => room.mediaLink === 'up'")
    await page.wait_for_function("() => Object.values(room.state.shown).some((slot) => slot.shown)")
    await eventually(lambda: bool(made.process.conductor.running()))
    await page.evaluate(PAINT, made.points)
    return page
