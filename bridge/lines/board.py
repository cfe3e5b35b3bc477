"""Results of a readiness sweep, as the go / no-go board shows them."""

from __future__ import annotations

import msgspec

from bridge.base.i18n import Sentence


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a point: its level, the reason, and what to do where it is not passed."""

    name: str
    level: str
    title: Sentence
    reason: Sentence
    step: Sentence | None = None


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the capacity test: kbit/s, shares lost, p95 of the delay over the least in ms."""

    down: float
    up: float
    down_loss: float
    up_loss: float
    down_delay: float
    up_delay: float


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of a point; ``level`` is the worst. ``still``: there is a picture of what its
    camera saw in the test call."""

    point: str
    name: Sentence
    level: str
    checks: tuple[CheckView, ...]
    capacity: tuple[StepView, ...] = ()
    still: bool = False


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The board after a sweep. ``at`` is UTC seconds, ``progress`` 0–1 while ``running``; ``full``
    whether calls and capacity were tested in this sweep; ``start`` of the conference it is
    for."""

    running: bool = False
    progress: float = 0.0
    at: float = 0.0
    seconds: float = 0.0
    full: bool = True
    title: Sentence | None = None
    template: str = ""
    start: float | None = None
    level: str = "unknown"
    points: tuple[PointView, ...] = ()
    by: str = ""
