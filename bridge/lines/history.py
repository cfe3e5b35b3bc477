"""Stored figures of lines over a period of time; the figures of a point's router fill the gaps in
those of its agent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

HOUR = 3600  # seconds


class Counted(NamedTuple):
    """Probes sent and lost in one direction within the hour that begins ``at`` (UTC seconds)."""

    point: str
    at: int
    direction: str
    packets: int
    lost: int


class Watched(NamedTuple):
    """How many seconds of an hour a line was watched."""

    point: str
    at: int
    seconds: float


class Outage(NamedTuple):
    """Seconds without any reply in a span (a minute, or longer once thinned out)."""

    point: str
    at: int
    span: int
    seconds: float


class Measured(NamedTuple):
    """Stored figures of all lines over a period."""

    counted: Sequence[Counted]
    watched: Sequence[Watched]
    outages: Sequence[Outage]


def with_routers(measured: Measured, suffix: str) -> Measured:
    """A line is up while the agent or the router of a point answers: a room PC that is off for
    the night is no outage where the router answers. Of routers only that is taken."""
    router_hours = {
        (w.point.removesuffix(suffix), w.at): w.seconds
        for w in measured.watched
        if w.point.endswith(suffix)
    }
    router_outages = {
        (o.point.removesuffix(suffix), o.at): o
        for o in measured.outages
        if o.point.endswith(suffix)
    }
    own_hours = {(w.point, w.at): w.seconds for w in measured.watched if not _of(w.point, suffix)}
    watched = [
        Watched(point, at, max(own_hours.get((point, at), 0.0), router_hours.get((point, at), 0.0)))
        for point, at in sorted(own_hours.keys() | router_hours.keys())
    ]
    outages: list[Outage] = []
    for o in measured.outages:
        if _of(o.point, suffix):
            if (o.point.removesuffix(suffix), o.at // HOUR * HOUR) not in own_hours:
                outages.append(o._replace(point=o.point.removesuffix(suffix)))
        elif (o.point, o.at // HOUR * HOUR) not in router_hours:
            outages.append(o)
        elif (o.point, o.at) in router_outages:
            both = min(o.seconds, router_outages[o.point, o.at].seconds)
            outages.append(o._replace(seconds=both))
    counted = [item for item in measured.counted if not _of(item.point, suffix)]
    return Measured(counted, watched, outages)


def _of(name: str, suffix: str) -> bool:
    return name.endswith(suffix)
