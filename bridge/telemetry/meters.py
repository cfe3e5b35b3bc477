"""Counters and histograms of what happens in the bridge. Pure: times are arguments; read
at scrape time by `bridge.telemetry.collector`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from bridge.base.observer import Observer
from bridge.conference import desk_call_events as d
from bridge.conference import events as e
from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME, THUMBNAIL
from bridge.media import messages as m
from bridge.telemetry.gateway_figures import GatewayFigures
from monitoring.exposition import buckets
from monitoring.exposition.histogram import Histogram

ADOPTED = 6.0  # seconds; an older worker was not started now. Figures come every two.
MEDIA = (
    "media_packets_total",
    "media_bytes_total",
    "media_packets_lost_total",
    "media_nacks_total",
    "media_rtx_packets_total",
    "media_key_frame_requests_total",
)


@dataclass(slots=True)
class Running:
    """Turns counters that may start again at 0 (of a worker, of a probe session) into totals that
    never go back. ``identity`` tells one that counts from the next."""

    totals: dict[tuple[str, ...], float] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], tuple[str, float]] = field(default_factory=dict)

    def feed(
        self, key: tuple[str, ...], identity: str, value: float, *, adopted: bool = False
    ) -> float:
        """``value`` is what is counted now under the key; return how much is new. Of one that
        was ``adopted`` while it counted already, what it had counted is not new."""
        before = self._seen.get(key)
        base = value if adopted else 0.0
        if before is not None and before[0] == identity:
            base = before[1]
        more = max(0.0, value - base)
        self.totals[key] = self.totals.get(key, 0.0) + more
        self._seen[key] = (identity, value)
        return more


@dataclass(slots=True)
class WorkerFigures:
    """What a worker of points said last, and how long packets stayed in it."""

    stats: m.Stats
    identity: str = ""
    cpu: float = 0.0
    """The part of a core that it used between its last two answers."""
    forwarding: Histogram = field(default_factory=lambda: Histogram(buckets.FORWARDING))
    _counts: tuple[int, ...] = ()
    _sum: float = 0.0

    def take(self, stats: m.Stats, identity: str, *, adopted: bool) -> None:
        """Newer figures, of the same process or of one in its place."""
        before = self.stats
        passed = stats.uptime - before.uptime
        if identity == self.identity and passed > 0:
            self.cpu = (stats.cpu_seconds - before.cpu_seconds) / passed
        self._note_delays(stats, new=identity != self.identity, adopted=adopted)
        self.stats, self.identity = stats, identity

    def _note_delays(self, stats: m.Stats, *, new: bool, adopted: bool) -> None:
        if len(stats.delay_counts) != len(self.forwarding.counts):
            return  # a worker of an earlier version
        counts, total = self._counts or (0,) * len(stats.delay_counts), self._sum
        if new:
            counts, total = (0,) * len(stats.delay_counts), 0.0
            if adopted:
                counts, total = stats.delay_counts, stats.delay_sum
        more = [max(0, now - old) for now, old in zip(stats.delay_counts, counts, strict=True)]
        self.forwarding.add(more, max(0.0, stats.delay_sum - total))
        self._counts, self._sum = stats.delay_counts, stats.delay_sum


@dataclass(slots=True)
class Meters(Observer):
    """Everything that is counted, fed by the observer's callbacks."""

    counts: defaultdict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))
    """By metric name without prefix, then its labels."""
    commits: Histogram = field(default_factory=lambda: Histogram(buckets.COMMANDS))
    commands: Histogram = field(default_factory=lambda: Histogram(buckets.COMMANDS))
    joins: Histogram = field(default_factory=lambda: Histogram(buckets.JOINS))
    takes: Histogram = field(default_factory=lambda: Histogram(buckets.TAKES))
    waits: Histogram = field(default_factory=lambda: Histogram(buckets.WAITS))
    lengths: Histogram = field(default_factory=lambda: Histogram(buckets.LENGTHS))
    lags: Histogram = field(default_factory=lambda: Histogram(buckets.LAGS))
    loudness: dict[str, int] = field(default_factory=dict)
    gateway: GatewayFigures = field(default_factory=GatewayFigures)
    running: Running = field(default_factory=Running)
    reload_ok: bool = True
    hosts_waiting: int = 0
    workers: dict[str, WorkerFigures] = field(default_factory=dict)
    """The newest figures of the workers of points, by name."""
    _asked: dict[tuple[str, str], float] = field(default_factory=dict)
    _offers: dict[str, float] = field(default_factory=dict)

    def hosts_wait(self, count: int) -> None:
        """So many other hosts could lead now."""
        self.hosts_waiting = count

    # --- the observer -------------------------------------------------------------------

    def committed(self, seconds: float, saved: bool) -> None:
        if saved:
            self.commits.observe(seconds)
        else:
            self.counts["database_commit_failures_total",] += 1

    def command(self, word: str, result: str, seconds: float) -> None:
        self.counts["commands_total", result] += 1
        self.commands.observe(seconds)
        if word == "start" and result != "done":  # one that succeeded is an event
            outcome = "refused" if result == "refused" else "not_saved"
            self.counts["conference_starts_total", outcome] += 1

    def changed(self, conference: str, state: State, recorded: Sequence[e.Recorded]) -> None:
        for item in recorded:
            self._event(conference, state, item)

    def _event(self, conference: str, state: State, item: e.Recorded) -> None:
        match item.event:
            case e.FloorRequested() as event:
                self._asked[conference, event.point] = item.at
            case e.FloorWithdrawn() as event:
                if self._asked.pop((conference, event.point), None) is not None:
                    self.counts["floor_requests_total", "withdrawn"] += 1
            case e.FloorGranted() as event:
                asked = self._asked.pop((conference, event.point), None)
                if asked is not None:
                    self.counts["floor_requests_total", "granted"] += 1
                    self.waits.observe(max(item.at - asked, 0.0))
                if event.previous != event.point:
                    self.counts["takes_total",] += 1
            case e.Started() if state.call is not None:
                pass  # it was answered
            case e.Started():
                self.counts["conference_starts_total", "started"] += 1
            case e.Taken():
                self.counts["takes_total",] += 1
            case e.Ended():
                for key in [key for key in self._asked if key[0] == conference]:
                    del self._asked[key]
                    self.counts["floor_requests_total", "unanswered"] += 1
                if state.started_at is not None and state.call is not None:
                    self.counts["desk_call_talk_seconds_total",] += max(
                        item.at - state.started_at, 0.0
                    )
                elif state.started_at is not None:
                    self.lengths.observe(max(item.at - state.started_at, 0.0))
            case d.DeskCallEnded() as event:
                self.counts["desk_calls_total", event.outcome] += 1
            case e.CallProblem() as event:
                self.join_failed(event.point)
            case _:
                pass

    def offered(self, point: str, now: float) -> None:
        self._offers[point] = now

    def connected(self, point: str, now: float) -> None:
        offered = self._offers.pop(point, None)
        if offered is not None:  # otherwise it came back from a silence
            self.counts["point_joins_total", point, "joined"] += 1
            self.joins.observe(max(now - offered, 0.0))

    def join_failed(self, point: str) -> None:
        self.counts["point_joins_total", point, "failed"] += 1

    def disconnected(self, point: str, reason: str) -> None:
        self.loudness.pop(point, None)
        if self._offers.pop(point, None) is not None and reason == "failed":
            self.join_failed(point)
            return
        self.counts["point_disconnects_total", point, reason] += 1

    def showing(self, slot: str, seconds: float) -> None:
        if slot == PROGRAMME:
            self.takes.observe(seconds)

    def levels(self, levels: dict[str, int]) -> None:
        self.loudness = levels

    def denied(self, reason: str) -> None:
        self.counts["authentication_failures_total", reason] += 1

    def hung_up(self, reason: str) -> None:
        self.counts["websocket_drops_total", reason] += 1

    def talked(self, begun: bool) -> None:
        self.counts["talkbacks_total", "done" if begun else "refused"] += 1

    def preset_called(self, result: str) -> None:
        self.counts["camera_presets_total", result] += 1

    def reloaded(self, accepted: bool) -> None:
        self.reload_ok = accepted

    # --- the worker's figures, every two seconds ----------------------------------------

    def take_worker(
        self, stats: m.Stats, name: str, identity: str, points: Collection[str]
    ) -> None:
        """Take the figures of the worker of a name in; ``identity`` is fresh at each of its starts.
        The labels of transports are points, or sessions of users, which are left out."""
        known = self.workers.setdefault(name, WorkerFigures(stats))
        # A worker that ran before this process did: its past was counted by the one before.
        adopted = identity != known.identity and stats.uptime > ADOPTED
        if identity != known.identity and not adopted:
            self.counts["worker_starts_total", name] += 1
        for counted, total in stats.counters.items():
            self.running.feed(("worker", name, counted), identity, total, adopted=adopted)
        used = ("worker", name, "cpu_seconds")
        self.running.feed(used, identity, stats.cpu_seconds, adopted=adopted)
        known.take(stats, identity, adopted=adopted)
        for transport in stats.transports:
            if transport.label in points:
                self._media(transport.label, transport, adopted)

    def _media(self, point: str, transport: m.TransportStats, adopted: bool) -> None:
        sums: dict[tuple[str, str, str], list[int]] = {}
        for source in transport.sources:
            kind = source_kind(source.name)
            # Of sound nothing is asked for again; a gap is a loss.
            lost = source.lost if kind == "audio" else source.unrepaired
            _sum(
                sums,
                ("up", source.name, kind),
                source.packets,
                source.octets,
                lost,
                source.nacked,
                source.recovered,
                source.key_frame_requests,
            )
        for slot in transport.slots:
            group, kind = slot.name, source_kind(slot.shows)
            if slot.kind == "audio":
                group = kind = "audio"
            elif slot.name.startswith(THUMBNAIL):
                group = THUMBNAIL
            _sum(
                sums,
                ("down", group, kind),
                slot.packets,
                slot.octets,
                slot.lost,
                slot.nacks,
                slot.rtx,
                slot.key_frame_requests,
            )
        for (direction, group, kind), values in sums.items():
            for name, value in zip(MEDIA, values, strict=True):
                # A slot may show a screen after a camera: what is new counts for what it shows.
                more = self.running.feed(
                    (name, point, direction, group), transport.transport, value, adopted=adopted
                )
                self.counts[name, point, direction, kind] += more


def _sum(
    sums: dict[tuple[str, str, str], list[int]], key: tuple[str, str, str], *more: int
) -> None:
    known = sums.setdefault(key, [0] * len(more))
    for index, value in enumerate(more):
        known[index] += value


def source_kind(name: str) -> str:
    """Kind of a source by its name."""
    return {"microphone": "audio", "film": "audio", "content": "content"}.get(name, "video")
