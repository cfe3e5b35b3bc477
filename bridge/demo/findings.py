"""What a run of the demo found out: what the points reported, and what forwarding cost. Pure:
times are arguments, in monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.conference.plan import AUDIO, PROGRAMME
from bridge.media import messages as m
from bridge.signalling.protocol import SlotReport

Pair = tuple[str, str]  # receiver, source


class Findings:
    """The pictures and sounds that were verified by decoding, and how fast they came.

    Every point is to see and hear every other one: a picture counts in the thumbnail slot that the
    source stands in, a sound once its source was on air, because microphones are closed before.
    """

    def __init__(self, points: Iterable[str]) -> None:
        self.points = frozenset(points)
        self.pictures: set[Pair] = set()
        self.sounds: set[Pair] = set()
        self.first_frame_ms: dict[Pair, float] = {}
        self.switched_ms: dict[Pair, float] = {}  # from a take to its picture
        self.latency_ms: list[float] = []  # of pictures, from drawing to decoding
        self._taken: dict[str, float] = {}
        self._latency_seen: dict[Pair, float] = {}  # by receiver and slot

    @property
    def expected(self) -> int:
        """How many pictures, and how many sounds, there are to verify."""
        return len(self.points) * (len(self.points) - 1)

    def all_pictures(self) -> bool:
        """Whether every point has seen every other one."""
        return len(self.pictures) == self.expected

    def complete(self) -> bool:
        """Whether everything expected was seen and heard."""
        return self.all_pictures() and len(self.sounds) == self.expected

    def missing(self) -> dict[str, list[Pair]]:
        """The pictures and sounds that were not verified."""
        pairs = [(r, s) for r in sorted(self.points) for s in sorted(self.points) if r != s]
        return {
            "pictures": [pair for pair in pairs if pair not in self.pictures],
            "sounds": [pair for pair in pairs if pair not in self.sounds],
        }

    def heard_by_all(self, point: str) -> bool:
        """Whether every other point has heard this one, and seen it come on air: but for one, which
        may have had its picture before (the return picture of who was on air)."""
        others = [(receiver, point) for receiver in self.points if receiver != point]
        seen = sum(pair in self.switched_ms for pair in others)
        return seen >= len(others) - 1 and all(pair in self.sounds for pair in others)

    def took(self, point: str, now: float) -> None:
        """A point is brought on air now."""
        self._taken[point] = now

    def seen_by(self, receiver: str) -> int:
        """How many other points this one has seen."""
        return sum(1 for other, _ in self.pictures if other == receiver)

    def add(self, receiver: str, report: SlotReport, stands: Mapping[str, str]) -> None:
        """Take in what a receiver reports of one slot; ``stands`` are the points in its thumbnail
        slots."""
        source = report.point
        if source not in self.points or source == receiver:
            return
        pair = (receiver, source)
        if report.slot.startswith(AUDIO):
            if source in self._taken:  # before, its microphone was closed
                self.sounds.add(pair)
            return
        if stands.get(report.slot) == source:
            self.pictures.add(pair)
            if report.first_frame_ms is not None:
                self.first_frame_ms.setdefault(pair, report.first_frame_ms)
        taken = self._taken.get(source)
        if report.slot == PROGRAMME and taken is not None and report.since >= taken:
            self.switched_ms.setdefault(pair, (report.since - taken) * 1000)
        where = (receiver, report.slot)
        if report.latency_ms is not None and self._latency_seen.get(where) != report.latency_ms:
            self._latency_seen[where] = report.latency_ms
            self.latency_ms.append(report.latency_ms)


class Forwarding:
    """What the media worker's counters say of a run."""

    def __init__(self) -> None:
        self._first: m.Stats | None = None
        self._last: m.Stats | None = None
        self.rate_now = 0.0  # packets/s between the last two looks

    def add(self, stats: m.Stats | None) -> None:
        """Take in the worker's counters; None where it did not answer, or is not there."""
        if stats is None:
            return
        if self._first is None:
            self._first = stats
        if self._last is not None and stats.uptime > self._last.uptime:
            sent = stats.counters["packets_out"] - self._last.counters["packets_out"]
            self.rate_now = sent / (stats.uptime - self._last.uptime)
        self._last = stats

    def measured(self) -> bool:
        """Whether the worker has been looked at."""
        return self._last is not None

    @property
    def packets(self) -> int:
        """Packets sent since the first look."""
        if self._last is None or self._first is None:
            return 0
        return self._last.counters["packets_out"] - self._first.counters["packets_out"]

    @property
    def rate(self) -> float:
        """Packets sent a second since the first look."""
        if self._last is None or self._first is None:
            return 0.0
        return self.packets / max(self._last.uptime - self._first.uptime, 1e-9)

    @property
    def cpu_us_per_packet(self) -> float:
        """CPU time of the worker for each packet sent since the first look, µs."""
        if self._last is None or self._first is None or not self.packets:
            return 0.0
        return (self._last.cpu_seconds - self._first.cpu_seconds) / self.packets * 1e6

    @property
    def delay_us(self) -> tuple[float, float]:
        """Median and 99th percentile of the time from a packet's arrival to its leaving, µs."""
        return self._last.delay_us[:2] if self._last is not None else (0.0, 0.0)

    @property
    def rss_bytes(self) -> int:
        """Memory of the worker, octets."""
        return self._last.rss_bytes if self._last is not None else 0
