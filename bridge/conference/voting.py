"""A vote and how it is counted: what is asked, who has a vote, what was chosen, what it comes to.

The count is a pure function of what the log says, so that anybody who has the log counts the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

MAX_VOTES = 100  # of a conference
MAX_OPTIONS = 12  # of a vote: what a room shows as buttons
MAX_WEIGHT = 1000

Kind = Literal["approval", "choice"]
"""For, against or abstention; or one of several options."""
Majority = Literal["simple", "half", "two_thirds"]
"""What carries: more for than against; more than half, or at least two thirds, of all votes that
there are, cast or not."""
By = Literal["points", "persons"]
"""Who votes: each room once, or each delegate on the list."""
Stage = Literal["open", "counting", "closed", "cancelled"]
"""A secret vote is counted by whoever keeps its ballots, after it was closed to voters."""
Outcome = Literal["carried", "rejected", "chosen", "tied", "no_quorum"]

APPROVAL = ("for", "against", "abstain")


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything here. Unknown fields are ignored, so that an older log can be read."""


class Ballot(Struct, frozen=True, kw_only=True):
    """What a voter has chosen. ``number`` counts the ballots of that voter in that vote: the last
    one counts. ``key`` and ``signature`` are Base64, "" where it is not signed."""

    choice: str
    number: int = 1
    at: float = 0.0
    key: str = ""
    signature: str = ""


class VoteResult(Struct, frozen=True, kw_only=True):
    """What a vote came to. ``counts`` are votes by choice, each voter with its weight; ``invited``
    and ``voted`` are voters, ``weight`` and ``cast`` their weights. ``chosen`` are the options with
    the most votes."""

    invited: int
    voted: int
    weight: int
    cast: int
    counts: dict[str, int]
    quorate: bool
    outcome: Outcome
    chosen: tuple[str, ...] = ()


class Vote(Struct, frozen=True, kw_only=True):
    """A vote. ``number`` is its own for the whole conference; ``weights`` are the votes of each
    voter: a point's id, or a person's where it is ``by`` persons. ``quorum`` is the share of
    voters, in percent, without which nothing is decided; ``signed``: unsigned ballots are refused.
    Of a ``secret`` vote it is known who has voted (``secretly``) and never what. Times are UTC
    seconds."""

    number: int
    title: str
    kind: Kind = "approval"
    options: tuple[str, ...] = ()
    weights: dict[str, int]
    quorum: int = 0
    majority: Majority = "half"
    signed: bool = False
    secret: bool = False
    by: By = "points"
    opened_at: float
    stage: Stage = "open"
    closed_at: float | None = None
    reminded_at: float | None = None
    ballots: dict[str, Ballot] = {}
    secretly: tuple[str, ...] = ()
    result: VoteResult | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen: the words of an approval, or the numbers of the options from 1."""
        if self.kind == "approval":
            return APPROVAL
        return tuple(str(number) for number in range(1, len(self.options) + 1))

    @property
    def voted(self) -> tuple[str, ...]:
        """Voters that have voted."""
        return self.secretly if self.secret else tuple(self.ballots)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Voters that have not voted."""
        return tuple(voter for voter in self.weights if voter not in self.voted)


def numbered(votes: tuple[Vote, ...], number: int) -> Vote | None:
    """The vote of that number."""
    return next((vote for vote in votes if vote.number == number), None)


def open_vote(votes: tuple[Vote, ...]) -> Vote | None:
    """The vote that is open; there is one at the most."""
    return next((vote for vote in votes if vote.stage == "open"), None)


def counting_vote(votes: tuple[Vote, ...]) -> Vote | None:
    """The secret vote that is closed to voters and not counted yet."""
    return next((vote for vote in votes if vote.stage == "counting"), None)


def count(vote: Vote, chosen: Mapping[str, str]) -> VoteResult:
    """Count a vote; ``chosen`` is the choice of each voter. Voters who have none here, and choices
    that are none, do not count."""
    counts = dict.fromkeys(vote.choices, 0)
    voters = [v for v in vote.weights if chosen.get(v) in counts]
    for voter in voters:
        counts[chosen[voter]] += vote.weights[voter]
    return _result(vote, counts, len(voters))


def count_secret(vote: Vote, counts: Mapping[str, int]) -> VoteResult | None:
    """What a secret vote came to, where ``counts`` are as many ballots as there are voters who have
    voted, for what could be chosen; None otherwise."""
    whole = {choice: counts.get(choice, 0) for choice in vote.choices}
    if set(counts) - set(whole) or min(whole.values()) < 0:
        return None
    if sum(whole.values()) != len(vote.secretly):
        return None
    return _result(vote, whole, len(vote.secretly))


def _result(vote: Vote, counts: dict[str, int], voted: int) -> VoteResult:
    invited, weight = len(vote.weights), sum(vote.weights.values())
    quorate = bool(voted) and 100 * voted >= vote.quorum * invited
    most = max(counts.values(), default=0)
    leading = tuple(choice for choice, votes in counts.items() if votes == most and most)
    return VoteResult(
        invited=invited,
        voted=voted,
        weight=weight,
        cast=sum(counts.values()),
        counts=counts,
        quorate=quorate,
        outcome=_outcome(vote, counts, weight, leading) if quorate else "no_quorum",
        chosen=leading if vote.kind == "choice" and quorate else (),
    )


def _outcome(vote: Vote, counts: dict[str, int], weight: int, leading: tuple[str, ...]) -> Outcome:
    if vote.kind == "choice":
        return "chosen" if len(leading) == 1 else "tied"
    agreed = counts["for"]
    match vote.majority:
        case "simple":
            carried = agreed > counts["against"]
        case "half":
            carried = 2 * agreed > weight
        case "two_thirds":
            carried = 3 * agreed >= 2 * weight
    return "carried" if carried else "rejected"


def result_of(vote: Vote) -> VoteResult:
    """The result of a vote as its ballots stand."""
    return count(vote, {voter: ballot.choice for voter, ballot in vote.ballots.items()})
