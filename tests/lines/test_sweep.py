"""The readiness sweep and its board."""

from __future__ import annotations

import asyncio

import pytest

from bridge.conference.model import Title
from bridge.control.scheduler import Scheduler
from bridge.control.templates import Upcoming
from bridge.lines import sweep
from tests.control_support import Bridge
from tests.waiting import HANG


async def until_board(bridge: Bridge, token: str) -> None:
    async with asyncio.timeout(HANG):
        while (  # noqa: ASYNC110 - as the page asks
            await (await bridge.call("GET", "/readiness", token=token)).json()
        )["running"]:
            await asyncio.sleep(0.05)


async def test_a_board_without_anything_connected_is_no_go(bridge: Bridge) -> None:
    bridge.process.health.start()
    token = await bridge.user("operator")
    board = await (await bridge.call("GET", "/readiness", token=token)).json()
    assert board["at"] == 0
    report = await bridge.call("GET", "/readiness/report", token=token)
    assert report.status == 404
    refused = await bridge.call("POST", "/readiness", token=token, body={"template": "nowhere"})
    assert refused.status == 404
    begun = await bridge.call("POST", "/readiness", token=token, body={"window": 3})
    assert begun.status == 202
    again = await bridge.call("POST", "/readiness", token=token, body={"window": 3})
    assert again.status == 409
    await until_board(bridge, token)
    board = await (await bridge.call("GET", "/readiness", token=token)).json()
    assert board["level"] == "fail"
    assert len(board["points"]) == 12
    reasons = {c["name"]: c["level"] for c in board["points"][0]["checks"]}
    assert reasons["reach"] == "fail"
    for language in ("vi", "en"):
        pdf = await bridge.call("GET", f"/readiness/report?language={language}", token=token)
        assert (await pdf.read()).startswith(b"%PDF")
        table = await bridge.call(
            "GET", f"/readiness/report?format=csv&language={language}", token=token
        )
        assert len((await table.text()).splitlines()) == 12 * 17 + 1
    bridge.process.health.prober.close()


async def test_the_board_keeps_itself_current_before_a_start(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:

    for name in ("WINDOW", "LIGHT_WINDOW"):
        monkeypatch.setattr(sweep, name, 0.01)
    bridge.process.health.start()
    readiness = bridge.process.readiness
    start = bridge.wall + 2 * 3600

    def kinds() -> tuple[bool]:
        return (readiness.board.full,)

    coming = Upcoming("giao-ban", Title(vi="Họp", en="A meeting"), start, start + 60)
    monkeypatch.setattr(Scheduler, "upcoming", property(lambda _: (coming,)))
    try:
        await readiness._look_ahead()
        assert readiness.board.at == 0  # too early
        bridge.pass_time(3600)  # an hour before
        await readiness._look_ahead()
        first = readiness.board
        assert (first.full, first.start, first.by) == (True, start, "scheduler")
        assert len(first.points) == 12
        await readiness._look_ahead()
        assert readiness.board.at == first.at  # just looked
        bridge.pass_time(30)
        await readiness._look_ahead()
        assert kinds() == (False,)
        assert readiness.board.at > first.at
        bridge.pass_time(sweep.EVERY_FULL)
        await readiness._look_ahead()
        assert kinds() == (True,)
        bridge.pass_time(3600)  # it has begun
        last = readiness.board
        await readiness._look_ahead()
        assert readiness.board.at == last.at
    finally:
        bridge.process.health.prober.close()
