"""Commands about votes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.model import Line, Point, Struct
from bridge.conference.voting import MAX_OPTIONS, MAX_WEIGHT, By, Kind, Majority

VoteNumber = Annotated[int, msgspec.Meta(ge=1)]
Weight = Annotated[int, msgspec.Meta(ge=1, le=MAX_WEIGHT)]
Weights = Annotated[dict[Point, Weight], msgspec.Meta(max_length=500)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Base64 = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[A-Za-z0-9+/=]*$")]


class OpenVote(Struct, frozen=True, kw_only=True, tag="open_vote"):
    """Let the points vote: for, against or abstention, or one of ``options`` (``kind`` choice).
    Without ``points`` all that are expected and send have a vote; ``weights`` are the votes of
    those that have more than one. Without ``quorum`` percent of the voters nothing is decided.
    Where it is ``signed``, ballots of rooms that have no key to sign with are refused. Of a
    ``secret`` vote nobody learns who chose what; each voter has one vote in it, unsigned. ``by``
    persons each delegate on the points' lists has a vote, with the weight that the list says."""

    title: Line
    kind: Kind = "approval"
    options: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_OPTIONS)] = ()
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=500)] = ()
    weights: Weights = msgspec.field(default_factory=dict)
    quorum: Percent = 50
    majority: Majority = "half"
    signed: bool = False
    secret: bool = False
    by: By = "points"


class CastBallot(Struct, frozen=True, kw_only=True, tag="vote"):
    """Vote, as ``point``, or as the ``person`` of that id who sits there. ``ballot`` is the number
    of the voter's ballot in that vote, from 1; 0: the next one. The last one before the vote is
    closed counts. ``signature`` is of ``key`` over `ballot_signature.ballot_text`."""

    number: VoteNumber
    choice: Annotated[str, msgspec.Meta(max_length=20)]
    point: Point
    person: Annotated[str, msgspec.Meta(max_length=40)] = ""
    ballot: Annotated[int, msgspec.Meta(ge=0)] = 0
    key: Base64 = ""
    signature: Base64 = ""


class CastSecretly(Struct, frozen=True, kw_only=True, tag="cast_secretly"):
    """A ballot of a secret vote was put away: ``point`` has voted, or the ``person`` there."""

    number: VoteNumber
    point: Point
    person: str = ""


class CountSecretly(Struct, frozen=True, kw_only=True, tag="count_secretly"):
    """What the ballots of a secret vote come to, by choice; None: they are lost."""

    number: VoteNumber
    counts: dict[str, int] | None


class RemindVoters(Struct, frozen=True, kw_only=True, tag="remind_vote"):
    """Remind those who have not voted."""

    number: VoteNumber | None = None


class CloseVote(Struct, frozen=True, kw_only=True, tag="close_vote"):
    """End the open vote and count it. With ``number`` only that one."""

    number: VoteNumber | None = None


class CancelVote(Struct, frozen=True, kw_only=True, tag="cancel_vote"):
    """End the open vote without a result."""

    number: VoteNumber | None = None


Fact = CastSecretly | CountSecretly
Asked = OpenVote | CastBallot | RemindVoters | CloseVote | CancelVote
