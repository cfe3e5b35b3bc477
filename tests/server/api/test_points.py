"""What a technician sees of points."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.control_support import Bridge


async def test_a_technician_sees_only_the_own_points(bridge: Bridge) -> None:
    token = await bridge.user("technician", "tuan", points=("khoan-du",))
    points = await (await bridge.call("GET", "/points", token=token)).json()
    assert [p["id"] for p in points] == ["khoan-du"]
    assert (await bridge.call("GET", "/points/khoan-du", token=token)).status == 200
    assert (await bridge.call("GET", "/points/chi-ne", token=token)).status == 403
    assert (await bridge.call("GET", "/points/nobody", token=token)).status == 404


async def test_lamps(bridge: Bridge) -> None:
    from bridge.lines.lamps import lamps
    from bridge.signalling.protocol import Quality, RoomStatus

    def levels(state: str, room: Any, quality: Any) -> list[tuple[str, str]]:
        return [(lamp.name, lamp.level) for lamp in lamps(state, room, quality, None)]

    line = Quality(up="good", down="poor", up_loss=0, down_loss=0, rtt_ms=1, at=0)
    assert levels("offline", None, None) == [
        ("picture", "unknown"),
        ("sound", "unknown"),
        ("line", "bad"),
    ]
    assert levels("ready", RoomStatus(camera=True), None) == [
        ("picture", "good"),
        ("sound", "bad"),
        ("line", "good"),
    ]
    room = RoomStatus(camera=True, microphone=True)
    assert levels("in_session", room, line)[2] == ("line", "warn")
    await asyncio.sleep(0)
