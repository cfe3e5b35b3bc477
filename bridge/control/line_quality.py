"""Quality of a point's line at one moment, as `bridge.lines` measures it and the publisher shows
it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.signalling.protocol import Playback


class Mark(NamedTuple):
    """DSCP of a probed class as it was sent, as it arrived at the point, and as it came back."""

    sent: int
    down: int | None
    up: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuality:
    """Quality of one point's line in both directions, seen from the point: ``up`` leaves it.

    Levels are good, fair, poor, bad or unknown; losses are shares (0–1); ``at`` is UTC seconds.
    Variation (p95), round trip (p95), clock offset and its uncertainty are ms; MOS is 1–4.5.
    ``reach`` is yes, no or unknown; ``router`` the same of the point's router, "" where none is
    probed; ``source`` what was looked at: probe, media or both; ``silent`` seconds since the last
    reply. ``watching`` are signals that are about to become an incident."""

    up: str
    down: str
    up_loss: float
    down_loss: float
    rtt_ms: float
    at: float
    reach: str = "unknown"
    up_variation: float | None = None
    down_variation: float | None = None
    up_mos: float | None = None
    down_mos: float | None = None
    offset_ms: float | None = None
    uncertainty_ms: float | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    source: str = ""
    agent: bool = False
    router: str = ""
    silent: float = 0.0
    maintenance: bool = False
    incidents: int = 0
    watching: tuple[str, ...] = ()
    playback: Playback | None = None
