"""A province's and a district's control processes joined in memory; workers only record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bridge.control.peers.peer_link import PeerLink
from bridge.control.peers.rules.hop_paths import passes
from bridge.control.peers.rules.peer_wire import Message, decode, encode
from bridge.media import messages as m
from config.peers_schema import Peer
from config.schema import Name, Point, Topology
from config.template_schema import Template
from tests.control_support import INVENTORY, START, TOPOLOGY, Bridge

MEETING = "hop-tinh"
A, B = "a" * 16, "b" * 16  # identities of the province and the district


class Wire:
    """What one side hands to the other, as octets; kept until it is carried."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.said: list[Message] = []
        self.refusals: list[str] = []
        self.address = "192.0.2.1"

    def send(self, message: Message) -> None:
        self.said.append(message)
        self.waiting.append(encode(message))

    def refuse(self, key: str, **arguments: str) -> None:
        self.refusals.append(key)


def topology(points: list[str], name: str, *, workers: int = 1, **peer: Any) -> Topology:
    """The demo's, with another bridge among these points of it."""
    made = Peer(id=peer["point"], certificates=[f"{peer['point']}.crt"], **peer)
    named = Name(vi=name, en=f"{name} (en)")
    link = TOPOLOGY.points[0].link
    other = Point(id=made.point, name=named, tier="district", link=link)
    template = Template(
        id=MEETING,
        title=Name(vi="Họp tỉnh", en="Provincial meeting"),
        points=[*points, made.point],
        chair=made.point if made.side == "above" else points[0],
    )
    kept = [point for point in TOPOLOGY.points if point.id in points]
    return TOPOLOGY.model_copy(
        update={
            "points": [*kept, other],
            "peers": [made],
            "templates": [template],
            "bridge": TOPOLOGY.bridge.model_copy(update={"workers": workers}),
        }
    )


class Side:
    """One bridge and its link to the other."""

    def __init__(self, bridge: Bridge, identity: str) -> None:
        self.bridge = bridge
        self.identity = identity
        self.wire = Wire()

    @property
    def link(self) -> PeerLink:
        (link,) = self.bridge.process.bridges.links.links.values()
        return link

    async def settle(self) -> None:
        self.link.settle(passes(self.identity, []), self.identity, self.bridge.now)
        await self.bridge.settle()

    def ends(self) -> list[m.OpenRelay]:
        """The ends that its worker was told to open."""
        return [item for item in self.bridge.sent if isinstance(item, m.OpenRelay)]

    def up(self, end: str) -> None:
        """Its worker says that an end is there, as it does at once."""
        self.bridge.control.reconciler.on_event(m.StateChanged(transport=end, state="connected"))

    def hear(self, other: Side) -> None:
        """Its worker says which ends the other side's picture arrives at: those that it has."""
        routes = self.bridge.control.routes
        for end in self.link.session.transports:
            arrives = other.link.session.has(end)
            if routes.arrives(end, "camera") != arrives:
                event = m.SourceChanged(
                    transport=end, name="camera", layers=("",) if arrives else ()
                )
                self.bridge.control.reconciler.on_event(event, routes.holder(end))

    def lost(self) -> None:
        end = self.ends()[-1].transport
        self.bridge.control.reconciler.on_event(m.StateChanged(transport=end, state="vanished"))


class Two:
    """Both of them, which run while it is entered. `carry` lets everything that follows happen."""

    def __init__(self, folder: Path, *, workers: int = 1, **below: Any) -> None:
        self.workers = workers
        for name in ("a", "b"):
            (folder / name).mkdir()
        upper = topology(
            ["hoi-truong", "phong-hop"],
            "Huyện Lạc Thủy",
            workers=workers,
            point="lac-thuy",
            side="below",
        )
        lower = topology(
            ["chi-ne", "an-binh"],
            "Tỉnh Hòa Bình",
            workers=workers,
            point="tinh",
            side="above",
            address="192.0.2.1",
            **below,
        )
        self.above = Side(Bridge(folder / "a", topology=upper, at=START), A)
        self.below = Side(Bridge(folder / "b", topology=lower, at=START), B)

    async def __aenter__(self) -> Two:
        for side in (self.above, self.below):
            await side.bridge.start(INVENTORY)
            for name in range(1, self.workers):
                other = replace(INVENTORY, worker=f"w{name}")
                side.bridge.control.reconciler.on_event(other, str(name))
        return self

    async def __aexit__(self, *_: object) -> None:
        for side in (self.above, self.below):
            await side.bridge.stop()

    def connect(self) -> None:
        for side in (self.above, self.below):
            side.wire = Wire()
            side.link.attach(side.wire)

    def cut(self) -> None:
        for side in (self.above, self.below):
            side.link.detach(side.wire, side.bridge.now)

    async def carry(self, rounds: int = 6) -> None:
        for _ in range(rounds):
            for one, other in ((self.above, self.below), (self.below, self.above)):
                await one.settle()
                waiting, one.wire.waiting = one.wire.waiting, []
                for line in waiting:
                    if other.link.connected:
                        other.link.heard(decode(line), other.bridge.now)
                await other.settle()
            for side in (self.above, self.below):
                session, ends = side.link.session, side.ends()
                held = bool(ends) and session.transport in {end.transport for end in ends}
                if held and not session.transport_up:
                    side.up(session.transport)
                if session.move.beside and not session.move.up:
                    side.up(session.move.beside)
            self.above.hear(self.below)
            self.below.hear(self.above)
            for side in (self.above, self.below):
                side.bridge.pass_time(0.5)

    async def meet(self) -> tuple[str, str]:
        """Both hold the meeting and are in each other's."""
        self.connect()
        above, below = await self.open()
        await self.carry()
        return above, below

    async def open(self) -> tuple[str, str]:
        return await self.above.bridge.open(MEETING), await self.below.bridge.open(MEETING)
