"""The health of one point's line, from its probes: levels for people, a trend, and a row a
minute for the history. Pure; ``now`` is monotonic seconds, ``at`` UTC seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitoring.probing.delays import Delays
from monitoring.probing.session import Probe, Totals
from monitoring.quality.levels import Direction, Score

RECENT = 20.0  # seconds that a live figure is worked out of
MINUTE = 60
DELAYS_EVERY = 1.9  # seconds between sortings of the delays


class Row(NamedTuple):
    """A minute (or, once thinned out, a longer ``span`` in seconds) of one class in one
    direction. Delays in ms; None where nothing was measured. ``outage`` is seconds without any
    reply, which count as no loss."""

    point: str
    kind: str
    direction: str
    at: int
    span: int
    packets: int
    lost: int
    bursts: int
    reordered: int
    duplicated: int
    variation_p50: float | None
    variation_p95: float | None
    variation_p99: float | None
    round_trip_p50: float | None
    round_trip_p95: float | None
    delay: float | None
    dscp: int | None
    outage: float
    mos: float | None


class Mark(NamedTuple):
    """What became of a class's mark: ``down`` and ``up`` are the DSCP that arrived (None: not
    known)."""

    sent: int
    down: int | None
    up: int | None


class Figures(NamedTuple):
    """A line as it is now. Levels as in `monitoring.quality.levels`; loss 0–1; delays in ms.
    ``reachable`` None: not known yet. ``silent`` is seconds since the last reply."""

    reachable: bool | None
    silent: float
    up: str
    down: str
    up_loss: float
    down_loss: float
    up_variation: float | None
    down_variation: float | None
    round_trip: float | None
    offset: float | None
    uncertainty: float | None
    up_mos: float | None
    down_mos: float | None
    marks: dict[str, Mark]
    restarts: int
    answered: bool = True
    """Whether a probe ever came back."""


def _add(totals: list[Totals]) -> tuple[int, int]:
    return sum(t.expected for t in totals), sum(t.lost for t in totals)


@dataclass(slots=True)
class Health:
    """State of one line. Feed it once a second with the point's probes by class."""

    point: str
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    up_score: Score = field(default_factory=Score)
    down_score: Score = field(default_factory=Score)
    _minute: int = -1
    _before: dict[tuple[str, str], Totals] = field(default_factory=dict)
    _outages: dict[str, float] = field(default_factory=dict)
    _probes: list[Probe] = field(default_factory=list)
    _recent: Delays | None = None
    _delayed: float = float("-inf")
    _kinds: set[str] = field(default_factory=set)

    def feed(self, probes: Mapping[str, Probe], now: float, at: float) -> tuple[Figures, list[Row]]:
        """Settle the probes; return the figures of now, and the rows of a minute that ended."""
        for probe in probes.values():
            probe.settle(now)
        if list(map(id, probes.values())) != list(map(id, self._probes)):
            # Other sessions: count anew. The list keeps the old ones, so no id comes twice.
            self._probes = list(probes.values())
            self.up, self.down = Direction(), Direction()
            self._before.clear()
            self._outages.clear()
            self._delayed = float("-inf")
        replied = [p.last_reply for p in probes.values() if p.last_reply is not None]
        silent = now - max(replied) if replied else now - _started(probes, now)
        reachable = _reachable(probes, now)
        if now - self._delayed >= DELAYS_EVERY or set(probes) != self._kinds:
            self._delayed, self._kinds = now, set(probes)
            self._recent = self._delays(probes, now, RECENT)
        delays = self._recent
        if reachable:
            self.up.feed(*_add([p.up for p in probes.values()]), now)
            self.down.feed(*_add([p.down for p in probes.values()]), now)
            if delays is not None:
                trip, up, down = delays.round_trip[0], delays.variation_up, delays.variation_down
                self.up_score.feed(self.up.recent, trip, up[0], now)
                self.down_score.feed(self.down.recent, trip, down[0], now)
        elif reachable is False:
            self.up.interrupt(now)
            self.down.interrupt(now)
        figures = Figures(
            reachable=reachable,
            silent=silent,
            up="bad" if reachable is False else self.up.level,
            down="bad" if reachable is False else self.down.level,
            up_loss=self.up.loss,
            down_loss=self.down.loss,
            up_variation=delays.variation_up[1] if delays else None,
            down_variation=delays.variation_down[1] if delays else None,
            round_trip=delays.round_trip[1] if delays else None,
            offset=delays.offset if delays else None,
            uncertainty=delays.uncertainty if delays else None,
            up_mos=self.up_score.mos,
            down_mos=self.down_score.mos,
            marks={kind: _mark(probe) for kind, probe in probes.items()},
            restarts=sum(p.restarts for p in probes.values()),
            answered=bool(replied),
        )
        return figures, self._rows(probes, now, at)

    def _delays(self, probes: Mapping[str, Probe], now: float, seconds: float) -> Delays | None:
        """Of the most important class that has any: the probes come in that order."""
        for probe in probes.values():
            found = probe.delays(now, seconds)
            if found is not None:
                return found
        return None

    def _rows(self, probes: Mapping[str, Probe], now: float, at: float) -> list[Row]:
        minute = int(at) // MINUTE
        if self._minute < 0:
            self._minute = minute
        if minute == self._minute:
            return []
        ended, self._minute = self._minute * MINUTE, minute
        rows: list[Row] = []
        for kind, probe in probes.items():
            delays = probe.delays(now, MINUTE)
            before = self._outages.get(kind, 0.0)
            running = 0.0
            if probe.reachable(now) is False:
                since = probe.last_reply if probe.last_reply is not None else probe.started
                running = now - (since if since is not None else now)
            total = probe.outage_seconds + running
            self._outages[kind] = total
            outage = min(max(total - before, 0.0), float(MINUTE))
            for direction, totals in (("up", probe.up), ("down", probe.down)):
                rows.append(self._row(kind, direction, totals, delays, probe, ended, outage))
        return rows

    def _row(
        self,
        kind: str,
        direction: str,
        totals: Totals,
        delays: Delays | None,
        probe: Probe,
        at: int,
        outage: float,
    ) -> Row:
        was = self._before.get((kind, direction), Totals())
        self._before[kind, direction] = Totals(
            totals.expected, totals.lost, totals.reordered, totals.duplicated, totals.bursts
        )
        up = direction == "up"
        spread = (delays.variation_up if up else delays.variation_down) if delays else None
        score = self.up_score if up else self.down_score
        return Row(
            point=self.point,
            kind=kind,
            direction=direction,
            at=at,
            span=MINUTE,
            packets=totals.expected - was.expected,
            lost=totals.lost - was.lost,
            bursts=totals.bursts - was.bursts,
            reordered=totals.reordered - was.reordered,
            duplicated=totals.duplicated - was.duplicated,
            variation_p50=_round(spread[0] if spread else None),
            variation_p95=_round(spread[1] if spread else None),
            variation_p99=_round(spread[2] if spread else None),
            round_trip_p50=_round(delays.round_trip[0] if delays else None),
            round_trip_p95=_round(delays.round_trip[1] if delays else None),
            delay=_round((delays.up if up else delays.down) if delays else None),
            dscp=probe.dscp_up if up else probe.dscp_down,
            outage=round(outage, 1),
            mos=_round(score.mos),
        )


def _mark(probe: Probe) -> Mark:
    """A reflector that does not say what arrived has not said either how it marks its replies
    (TWAMP-Light): nothing is known of the way up then."""
    up = probe.dscp_up if probe.dscp_down is not None else None
    return Mark(probe.dscp, probe.dscp_down, up)


def _started(probes: Mapping[str, Probe], now: float) -> float:
    return min((p.started for p in probes.values() if p.started is not None), default=now)


def _reachable(probes: Mapping[str, Probe], now: float) -> bool | None:
    """One class that comes back is enough."""
    states = {probe.reachable(now) for probe in probes.values()}
    return True if True in states else False if False in states else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
