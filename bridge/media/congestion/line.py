"""What is remembered of one receiver between two looks at its line: which budgets it had, what was
tried in vain, and what its slots were given."""

from __future__ import annotations

from collections import deque

from bridge.media.congestion.allocation import Step
from bridge.media.parts import SourceRef

RAISE = 20_000.0  # bit/s more than before that count as sending more
FAILS_WITHIN = 5.0  # seconds after sending more in which a decrease means that it was too much
WAIT, WAIT_MOST = 4.0, 20.0  # seconds until it is tried again
FORGIVEN = 60.0  # seconds after which a failure does not lengthen the next wait
PROVEN = 1.5  # times what failed: a line that carries so much is another one


class Line:
    """What is known of one receiver besides its estimator: budgets of the last `HOLD` seconds,
    the step and the pause of every slot."""

    __slots__ = (
        "at_ease",
        "budget",
        "budgets",
        "ceiling",
        "checked",
        "decreases",
        "full",
        "raised",
        "rids",
        "shown",
        "until",
        "used",
        "waits",
        "wanted",
    )

    def __init__(self) -> None:
        self.budgets: deque[tuple[float, float]] = deque()
        self.shown: dict[str, Step | None] = {}
        self.rids: dict[str, tuple[SourceRef, frozenset[str]]] = {}
        self.checked = -1e9
        self.budget = 0.0
        self.wanted = 0.0
        self.used = 0.0
        self.decreases = 0
        self.full = False  # or nearly: pictures are paced
        self.at_ease = False  # it carries all by far, and nothing is about to change
        self.raised = -1e9  # when more was planned than before
        self.ceiling = 0.0
        self.until = -1e9
        self.waits = WAIT

    def carried(self, budget: float, now: float, *, hold: float) -> float:
        """The least of the budgets of the last ``hold`` seconds; 0 is no limit."""
        value = budget or 1e12
        budgets = self.budgets
        while budgets and budgets[-1][1] > value:
            budgets.pop()
        if not budgets or budgets[-1][1] < value:  # else it has been the same since then
            budgets.append((now, value))
        while len(budgets) > 1 and budgets[1][0] <= now - hold:
            budgets.popleft()
        least = min(value, budgets[0][1]) if hold else value
        return 0.0 if least >= 1e12 else least

    def failed(self, decreases: int, room: float, now: float) -> None:
        """Note that the estimate was lowered: where more had been sent shortly before, that was
        too much, and is not tried again for a while, longer each time. ``room`` is what is
        left of it."""
        if decreases == self.decreases:
            return
        self.decreases = decreases
        if now - self.raised < FAILS_WITHIN and room < self.used:
            self.ceiling = self.used
            self.waits = min(self.waits * 2, WAIT_MOST) if now - self.until < FORGIVEN else WAIT
            self.until = now + self.waits
            self.raised = -1e9

    def found(self, full: bool) -> None:
        """Note whether it is (nearly) full."""
        self.full = full

    def rest(self, *, at_ease: bool) -> None:
        """Note whether it need not be looked at soon."""
        self.at_ease = at_ease

    def planned(self, used: float, now: float) -> None:
        """Note how much the plan spends."""
        if used > self.used + RAISE and self.used:
            self.raised = now
        self.used = used

    def below_ceiling(self, budget: float, now: float) -> float:
        """The budget without what failed lately, unless the line carries far more by now."""
        if now < self.until and budget < PROVEN * self.ceiling:
            return min(budget, self.ceiling * 0.98)
        return budget
