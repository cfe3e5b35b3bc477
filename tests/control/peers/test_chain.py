"""A province above a district above a commune with a bridge of its own: what of the lowest reaches
the highest, and what the other way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.model import State
from bridge.conference.report import report
from bridge.control.peers.peer_link import PeerLink
from bridge.control.peers.rules.hop_paths import passes
from bridge.control.peers.rules.peer_wire import decode
from bridge.media import messages as m
from config.schema import Topology
from tests.control.peers.two import MEETING, Wire, topology
from tests.control_support import INVENTORY, START, Bridge

ABOVE = "192.0.2.1"


@dataclass
class End:
    """A bridge's end of a connection."""

    bridge: Bridge
    identity: str
    point: str
    wire: Wire = field(default_factory=Wire)

    @property
    def link(self) -> PeerLink:
        return self.bridge.process.bridges.links.links[self.point]

    def settle(self) -> None:
        links = self.bridge.process.bridges.links.links.values()
        others = [one.told.passes for one in links if one is not self.link and one.told]
        self.link.settle(passes(self.identity, others), self.identity, self.bridge.now)

    def up(self) -> None:
        session = self.link.session
        if session.transport and not session.transport_up:
            event = m.StateChanged(transport=session.transport, state="connected")
            self.bridge.control.reconciler.on_event(event)


class Chain:
    """The three of them, and the conference of each."""

    def __init__(self, folder: Path) -> None:
        made = (
            topology(["hoi-truong", "phong-hop"], "Huyện Lạc Thủy", point="lac-thuy", side="below"),
            district(),
            topology(
                ["khoan-du"], "Huyện Lạc Thủy", point="huyen-tren", side="above", address=ABOVE
            ),
        )
        self.bridges = [
            Bridge(folder / str(n), topology=one, at=START) for n, one in enumerate(made)
        ]
        top, middle, low = self.bridges
        self.ends = [
            (End(top, "a" * 16, "lac-thuy"), End(middle, "b" * 16, "tinh")),
            (End(middle, "b" * 16, "xa-duoi"), End(low, "c" * 16, "huyen-tren")),
        ]
        self.meetings: list[str] = []

    async def meet(self) -> None:
        for bridge in self.bridges:
            await bridge.start(INVENTORY)
        for one, other in self.ends:
            for end in (one, other):
                end.link.attach(end.wire)
        self.meetings = [await bridge.open(MEETING) for bridge in self.bridges]
        await self.carry(8)

    async def carry(self, rounds: int = 5) -> None:
        for _ in range(rounds):
            for pair in self.ends:
                for one, other in (pair, pair[::-1]):
                    one.settle()
                    waiting, one.wire.waiting = one.wire.waiting, []
                    for line in waiting:
                        other.link.heard(decode(line), other.bridge.now)
                    other.settle()
                    other.up()
            for bridge in self.bridges:
                await bridge.settle()
                bridge.pass_time(0.5)

    def state(self, number: int) -> State:
        return self.bridges[number].state(self.meetings[number])


def district() -> Topology:
    """With the province above and the commune's bridge below."""
    points = ["chi-ne", "an-binh"]
    up = topology(points, "Tỉnh Hòa Bình", point="tinh", side="above", address=ABOVE)
    down = topology(points, "Xã Khoan Dụ", point="xa-duoi", side="below")
    meeting = up.templates[0]
    both = meeting.model_copy(update={"points": [*meeting.points, "xa-duoi"]})
    return up.model_copy(
        update={
            "points": [*up.points, down.points[-1]],
            "peers": [*up.peers, *down.peers],
            "templates": [both],
        }
    )


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    for n in range(3):
        (tmp_path / str(n)).mkdir()
    made = Chain(tmp_path)
    await made.meet()
    yield made
    for bridge in made.bridges:
        await bridge.stop()


async def test_a_chain_is_no_loop_and_each_is_in_the_others_meeting(chain: Chain) -> None:
    assert chain.state(0).seats["lac-thuy"].present
    assert {"tinh", "xa-duoi"} <= set(chain.state(1).present)
    assert chain.state(2).seats["huyen-tren"].present
    assert [end.link.problem for pair in chain.ends for end in pair] == [""] * 4
    told = chain.ends[0][0].link.told
    assert told is not None
    assert set(told.passes) == {"b" * 16, "c" * 16}, "the province knows who is passed through"


async def test_who_is_behind_a_further_bridge_is_one_name_in_the_provinces_report(
    chain: Chain,
) -> None:
    """The commune's bridge counts as one point of the district; its rooms are in the district's
    report, which is where their attendance ends."""
    rows = []
    for bridge, meeting in zip(chain.bridges[:2], chain.meetings, strict=False):
        log = await bridge.process.events.read(meeting, 0)
        rows.append({r.member: r for r in report(log, bridge.wall + 60).members})
    assert set(rows[0]) == {"chi-ne", "an-binh", "xa-duoi"}
    assert rows[0]["xa-duoi"].joined_at is not None, "the bridge itself was there"
    assert rows[0]["xa-duoi"].name.vi == "Xã Khoan Dụ"
    assert set(rows[1]) == {"khoan-du"}


async def test_a_wish_for_the_floor_goes_up_a_bridge_at_a_time(chain: Chain) -> None:
    """Each direction passes it on by itself: a bridge asks for nobody that its operator has not
    asked for."""
    top, middle, low = chain.bridges
    above, here, below = chain.meetings
    await low.do(below, p.AskThere(point="huyen-tren", of="khoan-du"))
    await chain.carry()
    assert [r.point for r in chain.state(1).queue] == ["xa-duoi"]
    assert chain.state(1).peers["xa-duoi"].asking == "Xã Khoan Dụ"
    assert chain.state(0).queue == (), "nobody has asked there yet"
    await middle.do(here, p.AskThere(point="tinh", of="xa-duoi"))
    await chain.carry()
    assert [r.point for r in chain.state(0).queue] == ["lac-thuy"]
    assert chain.state(0).peers["lac-thuy"].asking == "Xã Khoan Dụ"
    await top.do(above, c.Grant())
    await middle.do(here, c.Grant())
    await chain.carry()
    assert chain.state(1).peers["tinh"].floor == "given"
    assert chain.state(2).peers["huyen-tren"].floor == "given"


async def test_a_wish_of_the_province_goes_down_a_bridge_at_a_time(chain: Chain) -> None:
    top, middle, _ = chain.bridges
    above, here, _ = chain.meetings
    await top.do(above, p.AskThere(point="lac-thuy"))
    await chain.carry()
    assert [r.point for r in chain.state(1).queue] == ["tinh"]
    assert chain.state(2).queue == ()
    await middle.do(here, p.AskThere(point="xa-duoi", of="tinh"))
    await chain.carry()
    assert [r.point for r in chain.state(2).queue] == ["huyen-tren"]
    assert chain.state(2).peers["huyen-tren"].asking == "Tỉnh Hòa Bình"


async def test_the_picture_of_the_commune_goes_up_as_any_points_does(chain: Chain) -> None:
    _, middle, _ = chain.bridges
    await middle.do(chain.meetings[1], p.SendPicture(point="tinh", shows="xa-duoi"))
    await chain.carry()
    to, by = (chain.ends[n][k].link.session.transport for n, k in ((0, 1), (1, 0)))
    routes = [
        route
        for item in middle.sent
        if isinstance(item, m.SetRoutes)
        for route in item.routes
        if (route.transport, route.slot) == (to, "programme")
    ]
    assert routes[-1].source == m.SourceRef(transport=by, name="camera")
