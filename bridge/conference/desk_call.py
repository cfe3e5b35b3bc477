"""Desk calls: a citizen's desk calls an officer. What one is opened with, and how it stands. Pure.

A desk call is a conference of two: while it rings it is open, once it is answered it is live.
Whoever is rung has a seat from then on, and who does not answer loses it again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

NAMED = "call_"  # so begin the names of calls in the log; no template has an underscore in its own
RING_SECONDS = 30  # how long an officer's page rings where the topology says nothing
CHOOSE_SECONDS = 120.0  # that a desk may take to ring another officer, after which its call ends
ALONE_SECONDS = 120.0  # that one side waits for the other to come back

Unreached = Literal["no_answer", "declined"]
CallOutcome = Literal["talked", "unanswered", "declined", "cancelled", "lost"]
"""How a call ended: after a talk; unanswered or declined by who was rung last; the desk hung up
before anybody answered; or the line of one side did not come back."""


class DeskRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a desk call is opened with: the ``desk`` that calls, the ``officers`` it may ring, the
    one it rings first, and for how many seconds each is rung."""

    desk: str
    officers: tuple[str, ...]
    first: str
    ring_seconds: int = RING_SECONDS


class DeskCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a call stands; times are UTC seconds. ``ringing`` is who is rung, since ``rung_at``;
    ``officer`` who talks to the desk; ``missed`` who did not answer last, and ``why`` not. While an
    officer hands over, both are set. ``alone_since``: one side is away."""

    ringing: str | None = None
    rung_at: float = 0.0
    officer: str | None = None
    missed: str | None = None
    missed_at: float = 0.0
    why: Unreached | None = None
    handed_over: int = 0
    alone_since: float | None = None
    outcome: CallOutcome | None = None


def next_look(call: DeskCall, rules: DeskRules) -> float | None:
    """When time itself changes a call next, UTC seconds; None: it may go on for ever."""
    times: list[float] = []
    if call.ringing is not None:
        times.append(call.rung_at + rules.ring_seconds)
    elif call.officer is None:
        times.append(call.missed_at + CHOOSE_SECONDS)
    if call.alone_since is not None:
        times.append(call.alone_since + ALONE_SECONDS)
    return min(times, default=None)


def stepped(call: DeskCall, seconds: float) -> DeskCall:
    """The call after the clock was set by so many seconds."""
    alone = call.alone_since
    return msgspec.structs.replace(
        call,
        rung_at=call.rung_at + seconds,
        missed_at=call.missed_at + seconds,
        alone_since=alone + seconds if alone is not None else None,
    )
