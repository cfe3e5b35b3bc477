"""Votes, and how many delegates are there, as clients are shown them."""

from __future__ import annotations

import msgspec

from bridge.conference.voting import By, Kind, Majority, Stage, VoteResult


class VoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A vote as one client sees it. ``choices`` are what may be chosen, ``options`` their words
    where the vote has its own. ``chosen`` is by voter: a room sees its own only, so that it is not
    led by others, and so ``counts`` while the vote is open; ``ballots`` is how many ballots the
    room has cast. ``waiting`` have not voted: of a room only itself. ``unsigned`` are voters whose
    ballots are not signed. Of a ``secret`` vote nobody is told what was chosen, and ``counts`` when
    it is closed. Where it is ``by`` persons no room votes, but delegates (ids) on telephones."""

    number: int
    title: str
    kind: Kind
    stage: Stage
    choices: tuple[str, ...]
    options: tuple[str, ...]
    quorum: int
    majority: Majority
    signed: bool
    secret: bool
    opened_at: float
    closed_at: float | None
    reminded_at: float | None
    invited: int
    voted: int
    waiting: tuple[str, ...]
    chosen: dict[str, str]
    counts: dict[str, int]
    ballots: int = 0
    unsigned: tuple[str, ...] = ()
    by: By = "points"
    result: VoteResult | None = None


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """How many delegates are on the list of a point, and how many of them are ticked as present."""

    listed: int = 0
    present: int = 0
