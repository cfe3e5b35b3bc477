"""Which worker a viewer goes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

NEAR = 30  # viewers by which a worker may be fuller that is sent the conference anyway


class Load(NamedTuple):
    """A worker of the audience: how many viewers it serves and how many it may, and whether the
    conference in question is relayed to it."""

    name: str
    viewers: int
    room: int
    relayed: bool = False


def place(loads: Iterable[Load]) -> str | None:
    """The worker that a viewer goes to; None where none has room. A small audience stays on one
    worker, which costs one relay; a large one is spread evenly. The first of equals is taken."""
    free = [load for load in loads if load.viewers < load.room]
    best = min(free, key=lambda load: load.viewers - NEAR * load.relayed, default=None)
    return best.name if best is not None else None
