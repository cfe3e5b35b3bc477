"""Events of a desk call: who was rung, who answered, how it ended. None says what was talked of."""

from __future__ import annotations

from bridge.conference.desk_call import CallOutcome, Unreached
from bridge.conference.stream_events import Struct


class OfficerRung(Struct, frozen=True, kw_only=True, tag="officer_rung"):
    """An officer's page rings: for the desk, or because another officer hands the call over."""

    officer: str


class OfficerAnswered(Struct, frozen=True, kw_only=True, tag="officer_answered"):
    """An officer answered, and talks to the desk from now on; ``before`` has handed over."""

    officer: str
    before: str | None = None


class OfficerUnreached(Struct, frozen=True, kw_only=True, tag="officer_unreached"):
    """An officer's page rings no longer: nobody answered in time, or the officer declined."""

    officer: str
    why: Unreached


class DeskCallEnded(Struct, frozen=True, kw_only=True, tag="desk_call_ended"):
    """The call is over, and how it went. The end of the conference follows."""

    outcome: CallOutcome


DeskCallEvent = OfficerRung | OfficerAnswered | OfficerUnreached | DeskCallEnded
