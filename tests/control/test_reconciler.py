"""A control process that starts again, with and without the worker of the one before."""

from __future__ import annotations

from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.model import Actor
from bridge.media import messages as m
from bridge.signalling import protocol
from tests.control_support import INVENTORY, Bridge, until


def holding(bridge: Bridge, *others: m.TransportState) -> m.Inventory:
    """What a worker holds that was told everything, each slot showing what was wanted."""
    routes = {
        (route.transport, route.slot): route
        for item in bridge.sent
        if isinstance(item, m.SetRoutes)
        for route in item.routes
    }

    def slot(spec: m.Open, name: str, kind: m.Kind) -> m.SlotState:
        route = routes.get((spec.transport, name))
        source = route.source if route is not None else None
        return m.SlotState(name=name, kind=kind, wanted=source, shown=source)

    held = [
        m.TransportState(
            transport=spec.transport,
            label=spec.label,
            state="connected",
            profile="",
            sources=tuple(
                m.SourceState(name=s.name, kind=s.kind, layers=("",)) for s in spec.sources
            ),
            slots=tuple(slot(spec, s.name, s.kind) for s in spec.slots),
        )
        for spec in bridge.opened()
    ]
    return m.Inventory(
        version=1,
        worker="w",
        fingerprint=INVENTORY.fingerprint,
        addresses=INVENTORY.addresses,
        transports=(*held, *others),
        audio=("gone",),
    )


async def test_a_restarted_control_process_goes_on(bridge: Bridge, tmp_path: Path) -> None:
    """Rooms and a console keep sessions, media and pictures; nothing is emptied in between."""
    points = ("hoi-truong", "khoan-du", "chi-ne")
    conference = await bridge.open()
    tokens = await bridge.join(*points)
    console = await bridge.login(None)
    await bridge.offer(console)
    bridge.up()
    await bridge.do(conference, c.Take(point="khoan-du"))
    operator = Actor(kind="user", name="operator", role="operator")
    await bridge.do(conference, c.Direct(take_over=True), operator)
    await bridge.do(conference, c.Share(), operator)
    sharing = bridge.control.sessions.get(console)
    assert sharing is not None
    bridge.control.presence.status(sharing, protocol.RoomStatus(sharing=True))
    await bridge.settle()
    before = bridge.state(conference)
    assert before.present == set(points)
    stale = m.TransportState(
        transport="gone-1", label="nobody", state="connected", profile="", sources=(), slots=()
    )
    inventory = holding(bridge, stale)
    await bridge.stop()

    fresh = Bridge(tmp_path)
    await fresh.start(inventory=None)
    assert fresh.state(conference) == before, "the log has it all"
    await fresh.do(conference, c.Banner(text="Nghỉ 10 phút"), operator)
    await fresh.settle()
    assert fresh.state(conference).present == set(points), "no worker is known: nobody has left"
    before = fresh.state(conference)
    fresh.control.reconciler.on_event(inventory)
    await fresh.settle()
    assert fresh.state(conference) == before
    assert [item for item in fresh.sent if isinstance(item, m.Close)] == [
        m.Close(transport="gone-1")
    ]
    wanted = {
        (r.transport, r.slot): r.source
        for i in bridge.sent
        if isinstance(i, m.SetRoutes)
        for r in i.routes
    }
    again = [r for i in fresh.sent if isinstance(i, m.SetRoutes) for r in i.routes]
    assert again
    assert all(r.source == wanted[r.transport, r.slot] for r in again)
    groups = [i for i in fresh.sent if isinstance(i, m.SetAudio)]
    assert {g.group for g in groups} == {conference, "gone"}
    assert [len(g.members) for g in groups if g.group == conference] == [4]
    async with TestClient(TestServer(fresh.http.app)) as fresh.client:
        for token in (tokens["chi-ne"], console):
            socket = await fresh.connect(token)
            welcome = await until(socket, "welcome")
            assert welcome["media"] is True, "no new offer, and no new login"
            state = await until(socket, "state")
            assert state["slots"]["programme"]["shown"] == "khoan-du"
    await fresh.stop()


async def test_a_restart_without_a_worker_loses_no_seat(bridge: Bridge, tmp_path: Path) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du"))
    await bridge.stop()
    fresh = Bridge(tmp_path)
    await fresh.start()  # a new worker, which holds nothing
    await fresh.settle()
    state = fresh.state(conference)
    assert state.present == frozenset()
    assert (state.on_air, state.floor and state.floor.point) == ("khoan-du", "khoan-du")
    await fresh.stop()
