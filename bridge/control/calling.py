"""When points that are called into a conference and do not come are asked again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.conference.model import State

FIRST = 3.0  # seconds from the call until a point that has not come is looked at
LONGEST = 30.0  # seconds between tries at most; tries go on until the conference ends
NOTED_AFTER = 2  # tries until the reason is written into the log


@dataclass(slots=True)
class _Call:
    """One point that is called: when it is due, seconds to the try after, tries so far."""

    due: float
    delay: float = FIRST
    tries: int = 0


@dataclass(slots=True)
class Calls:
    """The points that are called now, each with its next try. ``now`` is monotonic seconds."""

    _calls: dict[str, _Call] = field(default_factory=dict)

    def step(
        self, states: list[State], reasons: Mapping[str, str], now: float
    ) -> list[tuple[str, str, bool]]:
        """Return (point, reason, note) of the points to nudge now. ``reasons`` tells why each
        point is not in; ``note`` says whether the log should have it."""
        wanted = {
            point
            for state in states
            for point, seat in state.seats.items()
            if seat.called and not seat.present
        }
        for point in list(self._calls):
            if point not in wanted:
                del self._calls[point]
        nudges: list[tuple[str, str, bool]] = []
        for point in sorted(wanted):
            call = self._calls.setdefault(point, _Call(now + FIRST))
            if now < call.due:
                continue
            call.tries += 1
            call.delay = min(LONGEST, call.delay * 2)
            call.due = now + call.delay
            reason = reasons.get(point, "call.offline")
            nudges.append((point, reason, call.tries >= NOTED_AFTER))
        return nudges
