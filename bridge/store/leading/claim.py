"""A host's claim to lead, and what it has to do next about it. Pure: ``now`` is an argument.

A host leads while its session with the database holds an advisory lock. The database ends a session
that was silent for too long, which lets go of the lock; so a host that has heard from the database
knows for how long nobody else can have it. That is counted from when it asked, not from when it
was answered: the answer may have lain in a socket while the process was stopped.

None of this makes two leaders impossible: a clock may jump, a process may stop between looking at
its claim and acting on it. What does is the epoch, which is read and held within every transaction
that writes (`bridge.store.leading.term`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

SAFE = 0.8  # the part of the silence that the database bears, on which a leader relies
ASK_EVERY = 0.2  # the part of it until the database is asked again

Stage = Literal["away", "waiting", "locked", "leading", "over"]
Step = Literal["connect", "look", "lock", "raise", "confirm", "hang_up"]


@dataclass(frozen=True, slots=True)
class Claim:
    """How far a host is on the way to leading; immutable, each step returns a new claim.

    ``silence`` is how many seconds the database bears a session that asks nothing. ``epoch`` is
    0 until this host has led, ``until`` is when its claim ends unless the database confirms it;
    ``after`` is when it begins to ask for the lock."""

    silence: float
    stage: Stage = "away"
    epoch: int = 0
    until: float = 0.0
    after: float = 0.0

    def leads(self, now: float) -> bool:
        """Whether this host may act and answer."""
        return self.stage == "leading" and now < self.until

    def step(self, now: float) -> Step:
        """What is to be done now."""
        if self.stage == "away":
            return "connect"
        if self.stage == "waiting":
            return "look" if now < self.after else "lock"
        if self.stage == "locked":
            return "raise"
        return "confirm" if self.leads(now) else "hang_up"

    def connected(self, after: float = 0.0) -> Claim:
        """There is a session with the database. Another host may be given the time until
        ``after``: where the database was away for all, the one that led has the rooms' media."""
        return replace(self, stage="waiting", after=after) if self.stage == "away" else self

    def answered(self, granted: bool) -> Claim:
        """The database has said whether the session has the lock."""
        return replace(self, stage="locked") if granted and self.stage == "waiting" else self

    def raised(self, epoch: int, asked: float) -> Claim:
        """The epoch is this host's. ``asked`` is when it was asked for."""
        if self.stage != "locked":
            return self
        return replace(self, stage="leading", epoch=epoch, until=asked + SAFE * self.silence)

    def confirmed(self, asked: float) -> Claim:
        """The session is there still, as of ``asked``. A claim that has run out is not revived: the
        process may have been stopped for as long."""
        if not self.leads(asked):
            return self
        return replace(self, until=max(self.until, asked + SAFE * self.silence))

    def lost(self) -> Claim:
        """The session has ended. A host that led does so in this process no more; others try
        again."""
        return replace(self, stage="over" if self.epoch else "away", until=0.0)
