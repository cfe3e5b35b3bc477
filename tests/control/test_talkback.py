"""An operator speaks to one room: who hears whom meanwhile, and what ends it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bridge.conference import commands as c
from bridge.conference.model import Actor
from bridge.control import talkback
from bridge.control.sound_groups import TALK, PrivateLine, with_private_lines
from bridge.media import messages as m
from config.peers_schema import Peer
from tests.control_support import Bridge, until
from tests.waiting import eventually

HOA = Actor(kind="user", name="hoa", role="operator")
ROOM, OTHER, CHAIR = "khoan-du", "chi-ne", "hoi-truong"


HERE = frozenset({"hall", "room", "other", "console", "tap", "a", "b", "c1", "c2"})


def ref(transport: str, name: str = "microphone") -> m.SourceRef:
    return m.SourceRef(transport=transport, name=name)


def mix(ident: str, members: tuple[str, ...], *voices: str) -> m.SetAudio:
    return m.SetAudio(
        group=ident, members=members, allowed=tuple(map(ref, voices)), floor=(ref(voices[0]),)
    )


def test_who_hears_whom() -> None:
    groups = {
        "giao-ban": mix("giao-ban", ("hall", "room", "other", "console", "tap"), "hall", "room"),
        "khac": mix("khac", ("x", "y"), "x"),
    }
    changed = with_private_lines(groups, [PrivateLine("console", "room")], HERE)
    assert changed["khac"] == groups["khac"]
    meeting = changed["giao-ban"]
    assert meeting.members == ("hall", "other", "tap")
    assert meeting.allowed == (ref("hall"),)
    room = changed[f"{TALK}room"]
    assert (room.members, room.floor[0]) == (("room",), ref("console"))
    assert set(room.allowed) == {ref("console"), ref("hall")}  # the meeting goes on for the room
    console = changed[f"{TALK}console"]
    assert (console.members, console.allowed) == (("console",), (ref("room"),))
    heard_by = {member: set(g.allowed) for g in changed.values() for member in g.members}
    assert [who for who, voices in heard_by.items() if ref("console") in voices] == ["room"]
    assert [who for who, voices in heard_by.items() if ref("room") in voices] == ["console"]
    assert list(changed)[-2:] == [f"{TALK}room", f"{TALK}console"]


def test_two_operators_and_two_rooms_stay_apart() -> None:
    groups = {"g": mix("g", ("hall", "a", "b", "c1", "c2"), "hall", "a", "b")}
    changed = with_private_lines(groups, [PrivateLine("c1", "a"), PrivateLine("c2", "b")], HERE)
    heard_by = {member: set(g.allowed) for g in changed.values() for member in g.members}
    assert heard_by == {
        "hall": {ref("hall")},
        "a": {ref("c1"), ref("hall")},
        "b": {ref("c2"), ref("hall")},
        "c1": {ref("a")},
        "c2": {ref("b")},
    }


def test_a_room_outside_of_all_meetings_hears_the_operator_only() -> None:
    changed = with_private_lines({}, [PrivateLine("console", "room")], HERE)
    assert changed[f"{TALK}room"].allowed == (ref("console"),)


def test_lines_of_another_worker_change_nothing() -> None:
    groups = {"g": mix("g", ("hall", "room"), "hall", "room")}
    line = PrivateLine("console", "room")
    assert with_private_lines(groups, [line], {"hall", "room"}) == groups
    assert with_private_lines(groups, [line], {"hall", "console"}) == groups


def test_a_room_that_moves_is_not_heard_where_it_goes() -> None:
    """Its page sends by both transports; the other one is at another worker."""
    line = PrivateLine("console", "room", ("beside",))
    groups = {"g": mix("g", ("other", "beside"), "beside", "other")}
    changed = with_private_lines(groups, [line], {"other", "beside"})
    assert (changed["g"].allowed, changed["g"].floor) == ((ref("other"),), ())
    assert changed["g"].members == ("other", "beside"), "it hears the meeting there as before"
    here = {"g": mix("g", ("hall", "room", "beside", "console"), "hall", "room", "beside")}
    changed = with_private_lines(here, [line], {"hall", "room", "beside", "console"})
    assert changed["g"].allowed == (ref("hall"),)
    assert changed[f"{TALK}room"].allowed == (ref("console"), ref("hall"))


# --- in the bridge ---------------------------------------------------------------------------


class Desk:
    """A console with media, and what its bridge last told the worker about sound."""

    def __init__(self, bridge: Bridge, socket: aiohttp.ClientWebSocketResponse, at: str) -> None:
        self.bridge, self.socket, self.transport = bridge, socket, at
        self._id = 0

    async def talk(self, point: str | None) -> str:
        """Ask for it; the key of the refusal, "" where it was done."""
        self._id += 1
        await self.socket.send_json({"type": "talk", "id": self._id, "point": point})
        while True:
            result = await until(self.socket, "result")
            if result["id"] == self._id:
                return str(result["key"])

    def mixes(self) -> dict[str, m.SetAudio]:
        found: dict[str, m.SetAudio] = {}
        for item in self.bridge.sent:
            if isinstance(item, m.SetAudio):
                found[item.group] = item
        return {ident: group for ident, group in found.items() if group.members}

    def hears(self) -> dict[str, set[str]]:
        """Whom each label hears: points, and "lan" for this console."""
        names = {o.transport: o.label for o in self.bridge.opened()} | {self.transport: "lan"}
        return {
            names[member]: {names[source.transport] for source in group.allowed}
            for group in self.mixes().values()
            for member in group.members
        }


@pytest.fixture
async def desk(bridge: Bridge) -> Desk:
    """A trial session in which two rooms and the chair are, and who directs it."""
    await bridge.open(start=False)
    await bridge.join(CHAIR, ROOM, OTHER)
    token = await bridge.login(None)
    socket = await bridge.connect(token)
    assert (await bridge.offer(token)).status == 201
    bridge.up()
    await bridge.settle()
    return Desk(bridge, socket, bridge.opened()[-1].transport)


async def test_a_room_before_the_meeting(bridge: Bridge, desk: Desk) -> None:
    before = desk.mixes()
    assert await desk.talk(ROOM) == ""
    hears = desk.hears()
    assert hears["lan"] == {ROOM}
    assert "lan" in hears[ROOM]
    assert all("lan" not in voices for who, voices in hears.items() if who != ROOM)
    assert all(ROOM not in voices for who, voices in hears.items() if who != "lan")
    assert await desk.talk(None) == ""
    assert desk.mixes() == before
    trail = await bridge.process.accounts.audit(limit=5)
    assert [(e.actor, e.target, e.outcome) for e in trail if e.action == "talkback"] == [
        ("user:operator", ROOM, "done")
    ]
    assert bridge.process.meters.counts["talkbacks_total", "done"] == 1


async def test_the_chair_is_taken_out_of_the_trial_meanwhile(desk: Desk) -> None:
    """Its microphone is open: nobody but the operator hears what it answers."""
    assert await desk.talk(CHAIR) == ""
    hears = desk.hears()
    assert [who for who, voices in hears.items() if CHAIR in voices] == ["lan"]


async def test_a_viewer_who_comes_meanwhile_changes_nothing(bridge: Bridge, desk: Desk) -> None:
    """Whoever has the workers told anew, what is private stays so: the audience and recordings."""
    assert await desk.talk(CHAIR) == ""
    before = desk.mixes()
    (place,) = bridge.process.audience.fleet.places.values()
    place.apply(bridge.conductor.running())
    assert desk.mixes() == before
    assert [who for who, voices in desk.hears().items() if CHAIR in voices] == ["lan"]


async def test_what_both_are_told(bridge: Bridge, desk: Desk) -> None:
    room = await bridge.connect(await bridge.login(OTHER))
    assert await desk.talk(ROOM) == ""
    session = bridge.control.sessions.of_point(ROOM)
    assert session is not None
    view = bridge.control.publisher.view
    told = view(session).talks
    assert {point: (talk.user, talk.answer) for point, talk in told.items()} == {
        ROOM: ("operator", "none")
    }
    bridge.control.reconciler.on_event(
        m.SourceChanged(transport=session.transport, name="microphone", layers=("",))
    )
    assert view(session).talks[ROOM].answer == "live"
    conference = bridge.conductor.running()[0].booking.id
    own = Actor(kind="point", name=ROOM)
    await bridge.do(conference, c.SelfMute(point=ROOM, muted=True), own)
    assert view(session).talks[ROOM].answer == "muted"
    other = bridge.control.sessions.of_point(OTHER)
    assert other is not None
    assert view(other).talks == {}
    await room.close()


@pytest.mark.parametrize("how", ["hang_up", "media", "room", "time", "another", "bye"])
async def test_what_ends_it(bridge: Bridge, desk: Desk, how: str) -> None:
    before = desk.mixes()
    assert await desk.talk(ROOM) == ""
    if how == "hang_up":
        await desk.socket.close()
    elif how == "bye":
        await desk.socket.send_json({"type": "bye"})
    elif how == "time":
        bridge.pass_time(talkback.LIMIT + 1)
        bridge.control.presence.call()
    elif how == "another":
        assert await desk.talk(OTHER) == ""
    else:
        room = bridge.control.sessions.of_point(ROOM)
        assert room is not None
        gone = desk.transport if how == "media" else room.transport
        bridge.control.reconciler.on_event(m.StateChanged(transport=gone, state="vanished"))
    await _until_over(bridge)
    assert ROOM not in bridge.control.talkback.talks()
    if how == "time":
        assert desk.mixes() == before
    if how == "another":
        assert desk.hears()["lan"] == {OTHER}
    else:
        assert [ident for ident in desk.mixes() if ident.startswith(TALK)] == []


async def _until_over(bridge: Bridge) -> None:
    from tests.agents.support import until as happens

    await happens(lambda: ROOM not in bridge.control.talkback.talks())
    await bridge.settle()


async def test_a_film_is_heard_by_all_and_goes_on_while_its_operator_speaks(
    bridge: Bridge, desk: Desk
) -> None:
    conference = bridge.conductor.running()[0].booking.id
    lan = Actor(kind="user", name="operator", role="operator")
    await bridge.do(conference, c.Share(sound=True), lan)
    await desk.socket.send_json({"type": "status", "sharing": True})
    film = ref(desk.transport, "film")
    await eventually(lambda: film in desk.mixes()[conference].allowed)
    assert film in desk.mixes()[conference].floor
    assert await desk.talk(ROOM) == ""
    mixes = desk.mixes()
    assert film in mixes[conference].allowed
    room = next(g for ident, g in mixes.items() if ident.startswith(f"{TALK}{ROOM}"))
    assert {film, ref(desk.transport)} <= set(room.allowed)
    await desk.talk(None)
    await bridge.do(conference, c.Share(), lan)
    await bridge.settle()
    assert film not in desk.mixes()[conference].allowed
    await bridge.do(conference, c.Share(sound=True), lan)
    await desk.socket.close()
    await bridge.settle()


async def test_in_a_meeting_only_rooms_that_nobody_sees(bridge: Bridge, desk: Desk) -> None:
    conference = bridge.conductor.running()[0].booking.id
    assert await desk.talk(ROOM) == ""
    await bridge.do(conference, c.Start(), Actor(kind="user", name="operator", role="operator"))
    assert desk.hears()["lan"] == {ROOM}, "it goes on over the start"
    assert desk.hears()[ROOM] == {"lan", CHAIR}, "and the room hears the meeting besides"
    lan = Actor(kind="user", name="operator", role="operator")
    await bridge.do(conference, c.Take(point=ROOM), lan)
    await bridge.settle()
    assert bridge.control.talkback.talks() == {}
    assert "lan" not in desk.hears()[ROOM]
    assert await desk.talk(ROOM) == "talk.on_air"
    await bridge.do(conference, c.Grant(point=OTHER), lan)
    assert await desk.talk(OTHER) == "talk.on_air"
    assert await desk.talk(ROOM) == ""


async def test_who_may_not(bridge: Bridge, desk: Desk) -> None:
    assert await desk.talk("nowhere") == "refusal.unknown_point"
    assert await desk.talk("yen-bong") == "talk.away"
    conference = bridge.conductor.running()[0].booking.id
    await bridge.do(conference, c.Direct(take_over=True), HOA)
    assert await desk.talk(ROOM) == "refusal.other_director"
    for token in (await bridge.login(OTHER), (await bridge.login_session("viewer")).token):
        socket = await bridge.connect(token)
        await socket.send_json({"type": "talk", "id": 1, "point": ROOM})
        assert (await until(socket, "result"))["key"] == "refusal.not_allowed"
        await socket.close()
    assert bridge.control.talkback.talks() == {}


async def test_nobody_speaks_to_a_room_that_somebody_speaks_to(bridge: Bridge, desk: Desk) -> None:
    assert await desk.talk(ROOM) == ""
    session = await bridge.login_session("admin")
    assert session is not None
    socket = await bridge.connect(session.token)
    await socket.send_json({"type": "talk", "id": 1, "point": ROOM})
    assert (await until(socket, "result"))["key"] == "talk.busy"


@pytest.mark.parametrize("nonsense", [{"point": 1}, {"point": "x" * 65}, {"more": 1}, {"id": -1}])
async def test_nonsense(desk: Desk, nonsense: dict[str, Any]) -> None:
    await desk.socket.send_json({"type": "talk", "id": 1, "point": ROOM} | nonsense)
    await until(desk.socket, "error")


async def test_another_bridge_is_no_room_that_is_spoken_to_alone(
    bridge: Bridge, desk: Desk
) -> None:
    """All rooms of its conference hear what it is sent."""
    topology = bridge.control.topology.current
    peer = Peer(
        id="tinh", point=ROOM, side="above", address=["192.0.2.1"], certificates=["tinh.crt"]
    )
    bridge.control.topology.swap(topology.model_copy(update={"peers": [peer]}))
    assert await desk.talk(ROOM) == "talk.other_bridge"
    assert bridge.control.talkback.talks() == {}
    assert await desk.talk(OTHER) == ""
