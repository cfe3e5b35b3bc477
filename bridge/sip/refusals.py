"""What the gateway counts, by name; the control process makes metrics of it."""

from __future__ import annotations

from collections import Counter

REFUSED = (
    "malformed",  # messages that cannot be used, answered with 400 and the like or dropped
    "flood",  # messages and calls above what a source may send
    "foreign",  # answers to nothing that was asked
    "stranger",  # calls of who is no point, or comes from elsewhere
    "digest",  # calls whose password was wrong
    "throttled",  # calls while a source has to wait after wrong passwords
    "no_conference",  # calls of points that are in no conference
    "media",  # calls whose media cannot be agreed on
    "rtp_source",  # RTP and RTCP of who was not signalled
    "rtp_unusable",  # RTP and RTCP that cannot be used, or does not authenticate
)
"""Why something was refused or ignored."""


class Figures:
    """Counters since the process began."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter(dict.fromkeys(REFUSED, 0))
        self.dialled = 0
        self.answered = 0
        self.failed = 0

    def dial(self) -> None:
        """A codec was called."""
        self.dialled += 1

    def answer(self) -> None:
        """A codec's call was taken."""
        self.answered += 1

    def fail(self) -> None:
        """A codec that was called did not come."""
        self.failed += 1

    def refuse(self, why: str) -> None:
        """Something was refused or ignored."""
        self.refused[why] += 1
