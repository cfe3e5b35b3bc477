"""A worker between simulated rooms and lines, in simulated time: `World` moves the clock."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.media import messages as m
from bridge.media.transport import Transport
from endpoints.netem.impairment import Impairment, Profile
from tests.media.support import Bench, TestPeer, audio_slot, camera, microphone, video_slot
from tests.scenarios.rooms import LAYERS, WIRE, Camera, Encoder, Receiver

STEP = 0.005
SEGMENT = 1400  # octets of a TCP segment
SAMPLE = 0.5  # seconds between samples of the curves


@dataclass
class Path:
    """How packets get to a room and back. Rooms may share an `Impairment`; ``extra`` seconds are
    what each has on its way down besides."""

    down: Impairment
    up: Impairment
    extra: float = 0.0


@dataclass
class Sample:
    """A point of the curves: seconds, and by receiver bit/s and seconds."""

    at: float
    capacity: float
    sent: dict[str, float]
    estimate: dict[str, float]
    queue: float


@dataclass
class World:
    """Sources, receivers and lines around one worker core."""

    seed: int = 1
    estimation: bool = True
    bench: Bench = field(init=False)
    cameras: dict[str, Camera] = field(default_factory=dict)
    receivers: dict[str, Receiver] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    events: list[tuple[float, m.Event]] = field(default_factory=list)
    start: float = 0.0
    asleep: float = 0.0  # until when the worker's process does not run

    def __post_init__(self) -> None:
        self.bench = Bench(seed=self.seed, estimation=self.estimation)
        self.start = self.bench.now
        self._flying: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._next_sample = self.start
        self._next_tick = self.start
        self._octets: dict[str, int] = {}
        self._watched: Impairment | None = None
        self._rate = 0.0
        self._random = random.Random(self.seed)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._socket: list[tuple[bytes, TestPeer]] = []  # what arrives while it sleeps

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        return self.bench.now - self.start

    # --- who is there -------------------------------------------------------------------

    def camera(
        self, name: str, *, layers: Sequence[m.LayerSpec] = LAYERS, temporal: bool = True
    ) -> Camera:
        """A room that only sends, over a good line."""
        number = len(self.cameras)
        rids = tuple(layer.rid for layer in layers)
        spec = m.SourceSpec(
            name="camera",
            mid="1",
            kind="video",
            codec="vp8",
            payload_type=camera().payload_type,
            rtx_payload_type=camera().rtx_payload_type,
            rids=rids if rids != ("",) else (),
            ssrcs=() if rids != ("",) else (m.StreamSsrc(ssrc=10_000 + 10 * number),),
            layers=tuple(layers),
        )
        peer = self.bench.join(name, (spec, microphone(ssrc=10_009 + 10 * number)))
        encoders = [
            Encoder(
                spec=layer,
                ssrc=10_000 + 10 * number + at,
                random=random.Random(self.seed * 1000 + number * 10 + at),
                temporal=temporal,
                due=self.bench.now + self._random.random() * 0.03,
            )
            for at, layer in enumerate(layers)
        ]
        made = Camera(peer, encoders, audio_due=self.bench.now)
        self.cameras[name] = made
        return made

    def receiver(
        self,
        name: str,
        path: Path,
        slots: Sequence[str],
        *,
        extensions: m.Extensions | None = None,
    ) -> Receiver:
        """A room that only receives."""
        number = len(self.receivers)
        base = 500_000 + 1000 * number
        specs = [video_slot(slot, base + at) for at, slot in enumerate(slots)]
        specs += [audio_slot("audio:0", base + 400)]
        joined = (
            self.bench.join(name, (), tuple(specs))
            if extensions is None
            else self.bench.join(name, (), tuple(specs), extensions=extensions)
        )
        self.paths[name] = path
        made = Receiver(joined, next_feedback=self.bench.now)
        self.receivers[name] = made
        return made

    def show(
        self,
        receiver: str,
        slot: str,
        source: str | None,
        *,
        importance: int = 0,
        max_height: int = 0,
        may_pause: bool = True,
        prefer: m.Prefer = "highest",
    ) -> None:
        """Route a camera to a slot."""
        ref = m.SourceRef(transport=source, name="camera") if source is not None else None
        route = m.Route(
            transport=receiver,
            slot=slot,
            source=ref,
            prefer=prefer,
            importance=importance,
            max_height=max_height,
            may_pause=may_pause,
        )
        assert self.bench.core.command(m.SetRoutes(routes=(route,)), self.bench.now) == ""

    def hear(self, *speakers: str) -> None:
        """Everybody hears these."""
        refs = tuple(m.SourceRef(transport=name, name="microphone") for name in speakers)
        members = tuple(self.receivers)
        self.bench.core.command(
            m.SetAudio(group="all", members=members, allowed=refs, floor=refs), self.bench.now
        )

    def transport(self, name: str) -> Transport:
        return self.bench.core.transports[name]

    def estimate(self, name: str) -> float:
        estimator = self.transport(name).estimator
        return estimator.estimate if estimator is not None else 0.0

    def watch(self, line: Impairment, rate: float) -> None:
        """Draw the curves of this line."""
        self._watched, self._rate = line, rate

    def change(self, line: Impairment, profile: Profile) -> None:
        """A line has another capacity from now on."""
        line.use(profile)
        if line is self._watched:
            self._rate = profile.rate

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Do something at a time of the world."""
        heapq.heappush(self._later, (self.start + when, next(self._order), what))

    def tcp(
        self, line: Impairment, *, start: float, end: float, delay: float, octets: int = 1 << 40
    ) -> None:
        """A TCP flow over a line, of so many octets or until ``end``."""
        flow = Tcp(self, line, self.start + end, delay, octets)
        self.at(start, flow.pump)

    def later(self, at: float, what: Callable[[], None]) -> None:
        """Do something at a time of the bench."""
        self._fly(at, what)

    # --- time ---------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Let time pass."""
        bench = self.bench
        while self.now < until - 1e-9:
            bench.now += STEP
            now = bench.now
            for waiting in (self._later, self._flying):
                while waiting and waiting[0][0] <= now:
                    heapq.heappop(waiting)[2]()
            for sender in self.cameras.values():
                sender.step(now, self._in)
            for receiver in self.receivers.values():
                if now >= receiver.asleep:
                    receiver.step(now, self._up)
            if now < self.asleep:
                continue
            for data, peer in self._socket:
                bench.core.receive(data, peer.address, 0, now)
            self._socket.clear()
            if now >= self._next_tick or bench.core.pressing:
                self._next_tick = now + 0.01
                bench.core.tick(now, bench.core.unix_offset)
            self._flush()
            if now >= self._next_sample:
                self._sample(now)

    def sleep(self, seconds: float) -> None:
        """The worker's process does not run for a while."""
        self.asleep = self.bench.now + seconds

    def _in(self, peer: TestPeer, packet: bytes) -> None:
        self._take(peer.tx.protect(packet), peer)

    def _up(self, peer: TestPeer, compound: bytes) -> None:
        sealed = peer.tx.protect_rtcp(compound)
        for at in self.paths[peer.id].up.offer(self.bench.now, len(sealed) + WIRE):
            self._fly(at, lambda: self._take(sealed, peer))

    def _take(self, sealed: bytes, peer: TestPeer) -> None:
        if self.bench.now < self.asleep:
            self._socket.append((sealed, peer))
        else:
            self.bench.core.receive(sealed, peer.address, 0, self.bench.now)

    def _fly(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._flying, (at, next(self._order), what))

    def _flush(self) -> None:
        core = self.bench.core
        core.flush(self.bench.now, self._deliver)
        for _, address, datagram in core.drain():
            for sender in self.cameras.values():
                if sender.peer.address == address:
                    sender.hear(sender.peer.rx.unprotect_rtcp(datagram))
                    break
            else:
                for name, receiver in self.receivers.items():
                    if receiver.peer.address == address:
                        self.paths[name].down.offer(self.bench.now, len(datagram) + WIRE)
                        break
        # Joining settles the bench, which takes events of its own.
        events = [*self.bench.events, *core.events]
        self.bench.events.clear()
        for event in events:
            self.events.append((self.now, event))
            if isinstance(event, m.LayersWanted) and event.transport in self.cameras:
                sender, layers = self.cameras[event.transport], event.layers
                self._fly(self.bench.now + 0.1, lambda s=sender, w=layers: s.want(w))  # type: ignore[misc]
        core.events.clear()

    def _deliver(self, transport: Transport) -> None:
        receiver = self.receivers.get(transport.id)
        if receiver is None:
            return
        down = self.paths[transport.id].down
        sent_at = self.bench.now
        for header, body in zip(transport.out[::2], transport.out[1::2], strict=True):
            data = header + body
            self._octets[transport.id] = self._octets.get(transport.id, 0) + len(data) + WIRE
            for leaves in down.offer(sent_at, len(data) + WIRE):
                at = leaves + self.paths[transport.id].extra
                self._fly(
                    at,
                    lambda d=data, t=at: self._hand(receiver, d, sent_at, t),  # type: ignore[misc]
                )

    def _hand(self, receiver: Receiver, data: bytes, sent_at: float, at: float) -> None:
        """A datagram reaches a room's socket, and its process as soon as that runs."""
        start = max(receiver.asleep, receiver.busy)
        if at >= start:
            receiver.receive(data, sent_at, at)
        elif receiver.waiting < receiver.room:
            receiver.waiting += 1
            receiver.busy = start + receiver.pace
            late = receiver.busy
            self._fly(late, lambda: receiver.take(data, sent_at, late))

    def _sample(self, now: float) -> None:
        self._next_sample = now + SAMPLE
        sent = {name: octets * 8 / SAMPLE for name, octets in self._octets.items()}
        self._octets.clear()
        queue = self._watched.queued(now) if self._watched is not None else 0.0
        self.samples.append(
            Sample(
                self.now,
                self._rate,
                sent,
                {name: self.estimate(name) for name in self.receivers},
                queue,
            )
        )


class Tcp:
    """A greedy flow with Reno's window (RFC 5681): slow start, then one segment a round trip, half
    of it at a loss."""

    def __init__(
        self, world: World, line: Impairment, end: float, delay: float, octets: int
    ) -> None:
        self._world = world
        self._line = line
        self._end = end
        self._delay = delay
        self._left = octets
        self._window = 10.0
        self._threshold = 1e9
        self._flying = 0
        self._cut_at = -1e9

    def pump(self) -> None:
        """Send what the window allows."""
        now = self._world.bench.now
        while self._flying < self._window and now < self._end and self._left > 0:
            self._left -= SEGMENT
            self._flying += 1
            leaves = self._line.offer(now, SEGMENT + WIRE)
            if leaves:
                self._world.later(leaves[0] + self._delay, self._acknowledged)
            else:
                self._world.later(now + 4 * self._delay, self._lost)

    def _acknowledged(self) -> None:
        self._flying -= 1
        self._window += 1 if self._window < self._threshold else 1 / self._window
        self.pump()

    def _lost(self) -> None:
        self._flying -= 1
        now = self._world.bench.now
        if now - self._cut_at > 4 * self._delay:
            self._cut_at = now
            self._threshold = self._window = max(2.0, self._window / 2)
        self.pump()


# --- figures ---------------------------------------------------------------------------


def frames(world: World, receiver: str, slot: str, start: float, end: float) -> list[float]:
    """When frames were whole, in seconds of the world."""
    stream = world.receivers[receiver].stream(slot)
    times = [at - world.start for at, _ in stream.frames]
    return [at for at in times if start <= at < end]


def longest_gap(times: Sequence[float], start: float, end: float) -> float:
    """The longest time without a frame, in seconds."""
    points = [start, *times, end]
    return max(later - earlier for earlier, later in itertools.pairwise(points))


def mean_rate(world: World, receiver: str, start: float, end: float) -> float:
    """bit/s sent to a receiver."""
    chosen = [s.sent.get(receiver, 0.0) for s in world.samples if start < s.at <= end]
    return sum(chosen) / max(1, len(chosen))


def longest_queue(world: World, start: float, end: float) -> float:
    """The longest queue at the watched line, in seconds."""
    return max((s.queue for s in world.samples if start < s.at <= end), default=0.0)


def jain(rates: Sequence[float]) -> float:
    """Jain's fairness index."""
    return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))


def good() -> Path:
    """A line that nothing is wrong with."""
    return Path(Impairment(Profile(delay=0.01), 1), Impairment(Profile(delay=0.01), 2))


def thin(rate: float, *, delay: float = 0.02, queue: float = 0.3, seed: int = 1) -> Path:
    """A line with a queue in front of ``rate`` bit/s down."""
    return Path(
        Impairment(Profile(rate=rate, delay=delay, queue=queue), seed),
        Impairment(Profile(delay=delay), seed + 1),
    )
