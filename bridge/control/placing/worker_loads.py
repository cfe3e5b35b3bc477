"""Which active worker a conference is held by. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

A_STREAM = 0.001  # of a core, for a picture and a voice from one point to another
# (docs/performance.md): what a conference that has just opened will take, before it is measured


class Load(NamedTuple):
    """An active worker: the numbers of points of the conferences that it holds, and the part of a
    core that it was measured to use."""

    worker: str
    conferences: tuple[int, ...] = ()
    cpu: float = 0.0


def load_of(load: Load) -> float:
    """The part of a core that the conferences of a worker use, or are about to: in a conference
    everybody is sent everybody else. What an idle worker uses is noise."""
    if not load.conferences:
        return 0.0
    return max(A_STREAM * sum(points * points for points in load.conferences), load.cpu)


def place(loads: Iterable[Load], prefer: str = "") -> str:
    """The worker that the next conference goes to, "" where there is none: the one with the least
    to do; of equals ``prefer``, then the first."""
    ordered = sorted(loads, key=lambda load: load.worker != prefer)
    best = min(ordered, key=load_of, default=None)
    return best.worker if best is not None else ""
