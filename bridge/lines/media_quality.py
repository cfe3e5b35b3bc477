"""Quality of every point's line from the media worker's figures. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.control.line_quality import LineQuality
from bridge.media import messages as m
from monitoring.quality.levels import Line


@dataclass(slots=True)
class MediaQuality:
    """Turns the worker's statistics, every few seconds, into levels of both directions."""

    heard: dict[str, float] = field(default_factory=dict)
    """When media last came from a point, monotonic seconds."""
    _lines: dict[str, Line] = field(default_factory=dict)
    _counted: dict[str, int] = field(default_factory=dict)
    _found: dict[str, dict[str, LineQuality]] = field(default_factory=dict)  # by worker

    def feed(
        self, stats: m.Stats, now: float, at: float, worker: str = "0"
    ) -> dict[str, LineQuality]:
        """Quality by point, of all workers; ``now`` monotonic, ``at`` UTC seconds. Points without
        media are left out."""
        found: dict[str, LineQuality] = {}
        for transport in stats.transports:
            point = transport.label
            if transport.state != "connected" or ":" in point or not point:
                continue
            line = self._lines.setdefault(point, Line())
            if line.transport != transport.transport:
                line = self._lines[point] = Line(transport=transport.transport)
            expected = sum(s.packets + s.lost for s in transport.sources)
            if expected > self._counted.get(point, 0):
                self.heard[point] = now
            self._counted[point] = expected
            lost = sum(s.unrepaired + s.recovered for s in transport.sources)
            line.up.feed(expected, lost, now)
            # The receiver reports a share; weigh it with what was sent since.
            sent = sum(s.packets for s in transport.slots)
            line.down_lost += max(0, sent - line.down_sent) * transport.downlink_loss
            line.down_sent = sent
            line.down.feed(sent, line.down_lost, now)
            found[point] = LineQuality(
                up=line.up.level,
                down=line.down.level,
                up_loss=round(line.up.loss, 4),
                down_loss=round(line.down.loss, 4),
                rtt_ms=transport.rtt_ms,
                at=round(at, 3),
            )
        self._found[worker] = found
        return {point: line for one in self._found.values() for point, line in one.items()}

    def lost(self, worker: str) -> None:
        """A worker is gone: what it said is of no time any more."""
        self._found.pop(worker, None)
