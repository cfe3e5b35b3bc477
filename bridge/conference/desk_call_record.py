"""The record of a desk call, worked out from its log: who called whom, for how long, with what
outcome. What was said or shown stands nowhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bridge.conference import desk_call_events as d
from bridge.conference import events as e
from bridge.conference.desk_call import CallOutcome


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A desk call; times are UTC seconds. ``officer`` is who talked last, ``rung`` everybody who
    was rung in that order; ``outcome`` None: it still runs, or was ended with the bridge."""

    id: str
    desk: str
    officer: str | None
    rung: tuple[str, ...]
    called_at: float
    answered_at: float | None
    ended_at: float | None
    ring_seconds: float
    talk_seconds: float
    handed_over: int
    outcome: CallOutcome | None


def record(log: Iterable[e.Recorded], now: float) -> CallRecord | None:
    """Add the log of a call up, to ``now`` where it still runs; None for any other log."""
    ident, desk = "", ""
    officer: str | None = None
    rung: list[str] = []
    called = 0.0
    answered: float | None = None
    ended: float | None = None
    handed = 0
    outcome: CallOutcome | None = None
    for recorded in log:
        match recorded.event:
            case e.Opened() as opened:
                rules = opened.booking.desk
                if rules is None:
                    return None
                ident, desk, called = recorded.conference, rules.desk, recorded.at
                rung.append(rules.first)
            case d.OfficerRung() as event:
                rung.append(event.officer)
            case d.OfficerAnswered() as event:
                officer = event.officer
                answered = recorded.at if answered is None else answered
                handed += event.before is not None
            case d.DeskCallEnded() as event:
                outcome = event.outcome
            case e.Ended():
                ended = recorded.at
            case e.ClockStepped() as event:
                called += event.seconds
                answered = answered + event.seconds if answered is not None else None
            case _:
                pass
    if not ident:
        return None
    until = ended if ended is not None else now
    return CallRecord(
        id=ident,
        desk=desk,
        officer=officer,
        rung=tuple(rung),
        called_at=called,
        answered_at=answered,
        ended_at=ended,
        ring_seconds=round(max(0.0, (answered if answered is not None else until) - called), 1),
        talk_seconds=round(max(0.0, until - answered), 1) if answered is not None else 0.0,
        handed_over=handed,
        outcome=outcome,
    )
