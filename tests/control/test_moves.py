"""Conferences on several active workers: which holds which, and how points come over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.control.placing import moves
from bridge.control.placing.worker_loads import Load, load_of, place
from bridge.control.sessions import Session
from bridge.media import messages as m
from config.schema import Name, Template
from tests.control_support import CHROMIUM, INVENTORY, TOPOLOGY, Bridge, until

ONE, TWO = ("phong-hop", "chi-ne"), ("khoan-du", "yen-bong")


def inventory(worker: str, port: int) -> m.Inventory:
    address = m.MediaAddress(host="127.0.0.1", port=port)
    return replace(INVENTORY, worker=worker, addresses=(address,))


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge with two active workers and two conferences to open."""
    templates = [
        Template(id=ident, title=Name(vi=ident), points=list(points), chair=points[0])
        for ident, points in (("mot", ONE), ("hai", TWO))
    ]
    bridge = TOPOLOGY.bridge.model_copy(update={"workers": 2})
    made = Bridge(
        tmp_path, topology=TOPOLOGY.model_copy(update={"templates": templates, "bridge": bridge})
    )
    await made.start(inventory("a", 5004))
    made.control.reconciler.on_event(inventory("b", 5005), "1")
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made
    await made.stop()


class Room:
    """A point's page, as far as it moves."""

    def __init__(self, bridge: Bridge, point: str) -> None:
        self.bridge, self.point = bridge, point
        self.socket: aiohttp.ClientWebSocketResponse
        self.token = ""

    async def join(self) -> Room:
        self.token = await self.bridge.login(self.point)
        self.socket = await self.bridge.connect(self.token)
        await until(self.socket, "welcome")
        assert await self.offer() == 201
        self.up()
        await self.bridge.settle()
        return self

    @property
    def session(self) -> Session:
        session = self.bridge.control.sessions.of_point(self.point)
        assert session is not None
        return session

    @property
    def worker(self) -> str:
        """The worker that holds the transport that counts."""
        return self.bridge.control.routes.holder(self.session.transport)

    async def offer(self, query: str = "") -> int:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sdp"}
        answer = await self.bridge.client.post(
            f"/api/v1/offer{query}", data=CHROMIUM.encode(), headers=headers
        )
        return answer.status

    def up(self) -> None:
        """The newest transport is connected."""
        ident = self.session.move.beside or self.session.transport
        self.state(ident, "connected")

    def state(self, transport: str, state: m.State) -> None:
        worker = self.bridge.control.routes.holder(transport)
        event = m.StateChanged(transport=transport, state=state)
        self.bridge.control.reconciler.on_event(event, worker)

    async def build(self) -> str:
        """Make another transport beside, as it was asked; returns it."""
        assert (await until(self.socket, "move"))["step"] == "build"
        assert await self.offer("?beside=1") == 201
        self.up()
        return self.session.move.beside

    async def come_over(self) -> None:
        await self.socket.send_json({"type": "moved"})
        while self.session.move.beside:
            await self.bridge.settle()

    async def move(self) -> None:
        await self.build()
        await self.come_over()


def closed(bridge: Bridge, worker: str) -> list[str]:
    return [c.transport for c in bridge.sent_to[worker] if isinstance(c, m.Close)]


def sources(bridge: Bridge, worker: str) -> set[str]:
    """The transports whose pictures a worker was told to show."""
    return {
        route.source.transport
        for command in bridge.sent_to[worker]
        if isinstance(command, m.SetRoutes)
        for route in command.routes
        if route.source is not None
    }


async def test_two_conferences_are_held_by_two_workers(both: Bridge) -> None:
    first = [await Room(both, point).join() for point in ONE]
    one = await both.open("mot")
    await both.settle()
    assert (both.control.routes.home(one), both.control.routes.lobby) == ("0", "1")
    # Who waits now does so where the next conference goes, and needs not move for it.
    second = [await Room(both, point).join() for point in TWO]
    two = await both.open("hai")
    await both.settle()
    assert both.control.routes.home(two) == "1"
    assert [room.worker for room in (*first, *second)] == ["0", "0", "1", "1"]
    own = {
        worker: {o.transport for o in sent if isinstance(o, m.Open)}
        for worker, sent in both.sent_to.items()
    }
    for worker in ("0", "1"):
        assert sources(both, worker) <= own[worker], "nothing of another worker is shown"
        assert sources(both, worker)
    assert all(room.session.point in both.state(two).present for room in second)


async def test_points_that_wait_elsewhere_move_when_their_conference_opens(both: Bridge) -> None:
    rooms = [await Room(both, point).join() for point in (*ONE, *TWO)]
    assert {room.worker for room in rooms} == {"0"}
    await both.open("mot")
    two = await both.open("hai")
    await both.settle()
    moving, former = rooms[2:], [room.session.transport for room in rooms[2:]]
    await moving[0].build()
    assert moving[0].worker == "0", "the former one counts until the page plays the new one"
    assert moving[0].session.point in both.state(two).present
    await moving[0].come_over()
    assert (moving[0].worker, moving[1].worker) == ("1", "0")
    assert closed(both, "0") == [], "the other one is shown by way of it still"
    await moving[1].move()
    assert {room.worker for room in moving} == {"1"}
    for room in moving:
        assert (await until(room.socket, "move"))["step"] == "leave"
    assert sorted(closed(both, "0")) == sorted(former)
    log = await both.process.events.read(two, 0, 1000)
    assert not [line for line in log if type(line.event).__name__ == "PointLeft"]


async def test_who_stood_in_a_small_picture_stands_there_after_a_move(both: Bridge) -> None:
    room = await Room(both, "khoan-du").join()
    other = await Room(both, "yen-bong").join()
    two = await both.open("hai")
    await both.settle()
    before = dict(both.control.routes.stands(room.session.transport))
    both.control.routes.empty("0")
    both.control.presence.settle()
    assert both.control.routes.home(two) == "1"
    await room.move()
    await other.move()
    assert dict(both.control.routes.stands(room.session.transport)) == before


async def test_a_worker_that_dies_takes_its_conference_only(both: Bridge) -> None:
    first = [await Room(both, point).join() for point in ONE]
    await both.open("mot")
    await both.settle()
    second = [await Room(both, point).join() for point in TWO]
    two = await both.open("hai")
    await both.settle()
    both.control.reconciler.on_worker_down("0")
    for room in first:
        assert (await until(room.socket, "media"))["reason"] == "worker_restarted"
        assert not room.session.transport_up
    assert all(room.session.transport_up for room in second)
    assert set(both.state(two).present) == set(TWO)
    # Without a spare they need not wait until it has been started again.
    assert await first[0].offer() == 201
    first[0].up()
    assert first[0].worker == "1"


async def test_a_new_transport_that_fails_costs_nothing(both: Bridge) -> None:
    rooms = [await Room(both, point).join() for point in TWO]
    await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    beside = await rooms[0].build()
    rooms[0].state(beside, "failed")
    assert rooms[0].session.transport_up
    assert beside in closed(both, "1")
    both.pass_time(moves.ASK_AGAIN)
    both.control.presence.call()
    await rooms[0].build()


async def test_a_move_that_is_called_off_is_over(both: Bridge) -> None:
    """The transport beside has failed, and its conference comes back: nobody is on the way."""
    rooms = [await Room(both, point).join() for point in TWO]
    two = await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    beside = await rooms[0].build()
    assert both.control.moves.under_way
    rooms[0].state(beside, "failed")
    both.control.routes.reopen("0")
    both.control.routes.empty("1")
    both.control.presence.settle()
    assert both.control.routes.home(two) == "0"
    assert both.control.moves.under_way == 0


async def test_a_second_move_goes_on_when_what_it_left_is_lost(both: Bridge) -> None:
    """A page builds the transport of its next move while it holds that of the last one, which goes
    with its worker."""
    room = await Room(both, TWO[0]).join()
    await Room(both, TWO[1]).join()
    await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    await room.move()
    former = room.session.move.former
    assert former
    both.control.routes.reopen("0")
    both.control.routes.empty("1")
    both.control.presence.settle()
    beside = await room.build()
    room.state(former, "closed")
    both.control.presence.came_over(room.session)
    assert room.session.transport == beside


async def test_who_is_spoken_to_while_it_moves_is_not_heard_where_it_goes(both: Bridge) -> None:
    """Its page sends its voice by both transports, and the microphone of the chair is open."""
    room = await Room(both, TWO[0]).join()
    two = await both.open("hai", start=False)
    await both.settle()
    token = await both.login(None)
    desk = await both.connect(token)
    assert (await both.offer(token)).status == 201
    console = both.control.sessions.get(token)
    assert console is not None
    home = both.control.routes.holder(console.transport)
    event = m.StateChanged(transport=console.transport, state="connected")
    both.control.reconciler.on_event(event, home)
    await both.settle()
    assert both.control.presence.talk(console, room.point) is None
    both.control.routes.empty(home)
    both.control.presence.settle()
    beside = await room.build()
    there = both.control.routes.holder(beside)
    assert there != home

    def heard() -> set[str]:
        """By whom voices come that the meeting hears at the worker to which it goes."""
        mixes = [c for c in both.sent_to[there] if isinstance(c, m.SetAudio) and c.group == two]
        return {source.transport for source in mixes[-1].allowed}

    assert beside not in heard()
    await room.come_over()
    assert both.control.talkback.talks() == {}, "and that is told to both"
    assert beside in heard()
    await desk.close()


async def test_the_new_transport_carries_on_when_the_former_one_is_lost(both: Bridge) -> None:
    room = await Room(both, TWO[0]).join()
    two = await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    beside = await room.build()
    both.control.reconciler.on_worker_down("0")
    await both.settle()
    assert (room.session.transport, room.session.transport_up) == (beside, True)
    assert room.point in both.state(two).present


async def test_a_page_that_cannot_move_is_called_anew(both: Bridge) -> None:
    room = await Room(both, TWO[0]).join()
    await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    both.pass_time(moves.GIVE_UP)
    both.control.presence.call()
    assert (await until(room.socket, "media"))["reason"] == "moved"
    assert both.control.moves.cut == 1
    assert await room.offer() == 201
    room.up()
    assert room.worker == "1"


async def test_a_former_transport_does_not_wait_for_ever(both: Bridge) -> None:
    first, _ = [await Room(both, point).join() for point in TWO]
    await both.open("hai")
    await both.settle()
    both.control.routes.empty("0")
    both.control.presence.settle()
    await first.move()
    assert closed(both, "0") == []
    both.pass_time(moves.LINGER)
    both.control.presence.call()
    assert (await until(first.socket, "move"))["step"] == "leave"
    assert len(closed(both, "0")) == 1


async def test_moved_from_a_page_that_was_not_asked_changes_nothing(both: Bridge) -> None:
    room = await Room(both, TWO[0]).join()
    before = room.session.transport
    await room.socket.send_json({"type": "moved"})
    await both.settle()
    assert room.session.transport == before
    assert not room.session.move.keeps


def test_the_next_conference_goes_where_least_is_to_do() -> None:
    """(loads, what is preferred, the worker)"""
    cases: list[tuple[list[Load], str, str]] = [
        ([], "", ""),
        ([Load("0"), Load("1")], "", "0"),
        ([Load("0"), Load("1")], "1", "1"),
        ([Load("0", (3,)), Load("1")], "0", "1"),
        ([Load("0", (3, 3)), Load("1", (12,))], "1", "0"),
        ([Load("0", (3,), 0.5), Load("1", (12,), 0.2)], "0", "1"),
        ([Load("0", (), 0.9), Load("1", (2,))], "1", "0"),  # what an idle one uses is noise
    ]
    for loads, prefer, found in cases:
        assert place(loads, prefer) == found, (loads, prefer)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.lists(st.integers(2, 30), max_size=4), st.floats(0, 1)), min_size=1),
    st.integers(0, 9),
)
def test_nobody_else_has_less_to_do(described: list[tuple[list[int], float]], prefer: int) -> None:
    loads = [Load(str(n), tuple(sizes), cpu) for n, (sizes, cpu) in enumerate(described)]
    found = place(loads, str(prefer))
    assert load_of(next(one for one in loads if one.worker == found)) == min(map(load_of, loads))
