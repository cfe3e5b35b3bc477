"""A province of 24 districts with 12 rooms each, simulated: real media cores, joined by lines that
have a rate and a delay. No sockets, no clock.

Rooms are transports with given keys, as relays are: what is measured is what the bridges do. A room
of the province sends a picture of 1.5 Mbit/s at 25 frames a second and answers a request for a key
frame with the next frame; each district sends a small picture up.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.synthetic_peer import vp8_payload
from bridge.media import messages as m
from bridge.media import rtcp, rtp
from bridge.media.core import MediaCore
from bridge.media.dtls import Identity
from bridge.media.parts import MASTER_SIZE
from bridge.media.srtp import AEAD_AES_128_GCM, Inbound, MasterKeys, Outbound
from bridge.media.transport import Address, Transport
from endpoints.netem.impairment import Impairment, Profile
from monitoring.statistics import percentile

DISTRICTS, ROOMS, TAKES = 24, 12, 12
FRAME = 0.04  # seconds between two frames
PACKETS, SIZE, KEY = 7, 1050, 28  # packets of a frame, their octets, packets of a key frame
SMALL = 150  # octets of a frame of a picture that is shown in a tile
TRUNK = Profile(rate=100e6, delay=0.006, jitter=0.002)  # province ↔ district, each direction
LINE = Profile(rate=20e6, delay=0.003, jitter=0.002)  # district ↔ room
TAKE_EVERY, BEGIN, TICK = 1.0, 1.0, 0.01
PICTURE, RTX = 96, 97


@dataclass
class World:
    """Simulated time: what happens when, and what every line has carried."""

    now: float = 1000.0
    octets: Counter[str] = field(default_factory=Counter)
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._count), what))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, what = heapq.heappop(self._queue)
            what()
        self.now = until


class Way:
    """One direction of a line."""

    def __init__(self, world: World, name: str, profile: Profile, seed: int) -> None:
        self.world, self.name = world, name
        self._line = Impairment(profile, seed)

    def carry(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        self.world.octets[self.name] += len(data) + 28
        for when in self._line.offer(self.world.now, len(data) + 28):
            self.world.at(when, lambda: deliver(data))


class Node:
    """A bridge's worker. ``peers`` are its far ends, by transport."""

    def __init__(self, world: World, name: str, bits: random.Random) -> None:
        identity = Identity.generate(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        self.world, self.name = world, name
        self.core = MediaCore(identity=identity, worker=name, random_bits=bits.getrandbits)
        self.ways: dict[str, Callable[[bytes], None]] = {}
        self._by_address: dict[Address, str] = {}
        self._tick()

    def join(self, spec: m.OpenRelay, send: Callable[[bytes], None]) -> None:
        refused = self.core.command(spec, self.world.now)
        assert not refused, refused
        self.ways[spec.transport] = send
        self._by_address[spec.far.host, spec.far.port] = spec.transport

    def receive(self, data: bytes, address: Address) -> None:
        self.core.receive(data, address, 0, self.world.now)
        self._send()

    def command(self, command: m.Command) -> None:
        assert not self.core.command(command, self.world.now)
        self._send()

    def _tick(self) -> None:
        self.core.tick(self.world.now, 0.0)
        self._send()
        self.world.at(self.world.now + TICK, self._tick)

    def _send(self) -> None:
        self.core.flush(self.world.now, self._out)
        for _, address, datagram in self.core.drain():
            self.ways[self._by_address[address]](datagram)
        self.core.events.clear()

    def _out(self, transport: Transport) -> None:
        out = transport.out
        for head, body in zip(out[::2], out[1::2], strict=True):
            self.ways[transport.id](head + body)


class Room:
    """What a room sends and sees. ``looks`` keeps the marks of pictures and when they came."""

    def __init__(self, world: World, keys: MasterKeys, ssrc: int, *, looks: bool) -> None:
        self.world = world
        self._rx, self._tx = Inbound(keys), Outbound(keys)
        self._ssrc, self._looks = ssrc, looks
        self._number = 1
        self._key = True
        self.first: dict[int, float] = {}
        self.send: Callable[[bytes], None] = lambda _: None

    def receive(self, data: bytes) -> None:
        if 192 <= data[1] < 224:
            for message in rtcp.parse(self._rx.unprotect_rtcp(data)) or []:
                self._key = self._key or isinstance(message, rtcp.KeyFrameRequest)
        elif self._looks:
            payload = rtp.payload(self._rx.unprotect(data)) or b""
            self.first.setdefault(payload[-1], self.world.now)

    def report(self) -> None:
        """A sign of life, once a second."""
        self.send(self._tx.protect_rtcp(rtcp.build_receiver_report(9, ())))
        self.world.at(self.world.now + 1.0, self.report)

    def film(self, mark: int, *, small: bool = False) -> None:
        """A frame, and the next one after it; ``mark`` is its last octet."""
        key, self._key = self._key, False
        count = 1 if small else KEY if key else PACKETS
        for n in range(count):
            payload = bytearray(vp8_payload(SMALL if small else SIZE, key_frame=key, start=n == 0))
            payload[-1] = mark
            packet = rtp.build(
                payload_type=PICTURE,
                sequence_number=self._number,
                timestamp=int(self.world.now * 90_000),
                ssrc=self._ssrc,
                payload=bytes(payload),
                marker=n == count - 1,
            )
            self._number += 1
            self.send(self._tx.protect(packet))
        self.world.at(self.world.now + FRAME, lambda: self.film(mark, small=small))


def _end(
    ident: str, keys: tuple[str, str], far: m.MediaAddress, out: int, into: int
) -> m.OpenRelay:
    """A transport with one picture each way: SSRC ``out`` to the far end, ``into`` from it."""
    slot = m.SlotSpec(
        name="programme",
        kind="video",
        codec="vp8",
        payload_type=PICTURE,
        rtx_payload_type=RTX,
        ssrc=out,
        rtx_ssrc=out + 1,
    )
    source = m.SourceSpec(
        name="camera",
        mid="",
        kind="video",
        codec="vp8",
        payload_type=PICTURE,
        rtx_payload_type=RTX,
        ssrcs=(m.StreamSsrc(ssrc=into, rtx_ssrc=into + 1),),
    )
    return m.OpenRelay(
        transport=ident,
        label=ident,
        keys=m.RelayKeys(inbound=keys[0], outbound=keys[1]),
        far=far,
        sources=(source,),
        slots=(slot,),
        cname="x",
    )


class Province:
    """The whole tree."""

    def __init__(self, seed: int = 1) -> None:
        self.bits = random.Random(seed)
        self.world = World()
        self._places = itertools.count(1)
        self.top = Node(self.world, "province", self.bits)
        self.speakers = [self._room(self.top, f"p{n}", f"province-room-{n}") for n in range(2)]
        self.below: list[Node] = []
        self.viewers: list[list[Room]] = []
        for number in range(DISTRICTS):
            node = Node(self.world, f"d{number}", self.bits)
            self.below.append(node)
            rooms = [
                self._room(node, f"r{n}", f"d{number}-room-{n}", looks=n == 0) for n in range(ROOMS)
            ]
            self.viewers.append(rooms)
            self._join(self.top, node, number)

    def _keys(self) -> tuple[str, str]:
        return tuple(f"{self.bits.getrandbits(8 * MASTER_SIZE):056x}" for _ in range(2))  # type: ignore[return-value]

    def _place(self) -> m.MediaAddress:
        number = next(self._places)
        return m.MediaAddress(host=f"127.{number >> 8 & 255}.{number & 255}.1", port=5004)

    def _room(self, node: Node, ident: str, name: str, *, looks: bool = False) -> Room:
        into, out = self._keys()
        place, ssrc = self._place(), 100_000
        down = Way(self.world, f"{name}:down", LINE, self.bits.getrandbits(30))
        up = Way(self.world, f"{name}:up", LINE, self.bits.getrandbits(30))
        keys = MasterKeys(AEAD_AES_128_GCM, bytes.fromhex(out), bytes.fromhex(into))
        room = Room(self.world, keys, ssrc, looks=looks)
        address = (place.host, place.port)
        room.send = lambda data: up.carry(data, lambda got: node.receive(got, address))
        node.join(
            _end(ident, (into, out), place, 200_000, ssrc),
            lambda data: down.carry(data, room.receive),
        )
        room.report()
        return room

    def _join(self, top: Node, node: Node, number: int) -> None:
        """One transport at either side: what goes down and what goes up."""
        down_key, up_key = self._keys()
        above, below = self._place(), self._place()
        down = Way(self.world, f"district-{number}:down", TRUNK, self.bits.getrandbits(30))
        up = Way(self.world, f"district-{number}:up", TRUNK, self.bits.getrandbits(30))
        top.join(
            _end(f"district-{number}", (up_key, down_key), below, 300_000, 400_000),
            lambda data: down.carry(data, lambda got: node.receive(got, (above.host, above.port))),
        )
        node.join(
            _end("province", (down_key, up_key), above, 400_000, 300_000),
            lambda data: up.carry(data, lambda got: top.receive(got, (below.host, below.port))),
        )

    def begin(self) -> None:
        for number, node in enumerate(self.below):
            routes = [_route(f"r{n}", "province") for n in range(ROOMS)]
            node.command(m.SetRoutes(routes=(*routes, _route("province", "r0"))))
            self.viewers[number][0].film(200, small=True)
        for mark, room in enumerate(self.speakers):
            room.film(mark)
        self.take(0)

    def take(self, speaker: int) -> float:
        """Bring a room of the province on air, everywhere; returns when."""
        for rooms in self.viewers:
            for room in rooms:
                room.first.pop(speaker, None)
        routes = [_route(f"district-{n}", f"p{speaker}") for n in range(DISTRICTS)]
        self.top.command(m.SetRoutes(routes=tuple(routes)))
        return self.world.now


def _route(receiver: str, source: str) -> m.Route:
    ref = m.SourceRef(transport=source, name="camera")
    return m.Route(transport=receiver, slot="programme", source=ref)


def simulate(takes: int = TAKES) -> dict[str, object]:
    """Run it: take latency over all districts, and what each kind of link has carried."""
    tree = Province()
    world = tree.world
    tree.begin()
    world.run(world.now + BEGIN)
    before, began = Counter(world.octets), world.now
    found: list[float] = []
    lost = 0
    for number in range(takes):
        at = tree.take((number + 1) % 2)
        world.run(world.now + TAKE_EVERY)
        for rooms in tree.viewers:
            first = rooms[0].first.get((number + 1) % 2)
            if first is None or first < at:
                lost += 1
            else:
                found.append(1000 * (first - at))
    seconds = world.now - began
    rates = {
        name: round((octets - before[name]) * 8 / seconds / 1000)
        for name, octets in world.octets.items()
    }
    return {
        "districts": DISTRICTS,
        "rooms": DISTRICTS * ROOMS,
        "takes": takes,
        "not_seen": lost,
        "p50_ms": round(percentile(sorted(found), 0.5), 1),
        "p95_ms": round(percentile(sorted(found), 0.95), 1),
        "max_ms": round(max(found), 1),
        "kbit_s": {
            kind: _spread([rate for name, rate in rates.items() if _kind(name) == kind])
            for kind in sorted({_kind(name) for name in rates})
        },
    }


def _kind(name: str) -> str:
    line, _, direction = name.partition(":")
    if line.startswith("district-"):
        return f"province↔district {direction}"
    where = "province" if line.startswith("province") else "district"
    return f"{where}↔room {direction}"


def _spread(rates: list[int]) -> dict[str, int]:
    return {"links": len(rates), "least": min(rates), "most": max(rates), "sum": sum(rates)}
