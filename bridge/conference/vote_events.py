"""Events of votes, and what they make of the votes of a conference."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from bridge.conference.stream_events import Struct
from bridge.conference.voting import Ballot, By, Kind, Majority, Vote, VoteResult


class VoteOpened(Struct, frozen=True, kw_only=True, tag="vote_opened"):
    """A vote was opened: as of `Vote`."""

    number: int
    title: str
    kind: Kind
    options: tuple[str, ...] = ()
    weights: dict[str, int]
    quorum: int = 0
    majority: Majority = "half"
    signed: bool = False
    secret: bool = False
    by: By = "points"


class BallotCast(Struct, frozen=True, kw_only=True, tag="ballot_cast"):
    """A voter has voted; another ballot of the same voter, with the next ``ballot``, takes its
    place. ``key`` and ``signature`` (Ed25519, Base64) are "" where it is not signed."""

    number: int
    voter: str
    choice: str
    ballot: int = 1
    key: str = ""
    signature: str = ""


class SecretBallotCast(Struct, frozen=True, kw_only=True, tag="secret_ballot_cast"):
    """A voter has voted in a secret vote. What was chosen stands nowhere in the log."""

    number: int
    voter: str


class VoteReminded(Struct, frozen=True, kw_only=True, tag="vote_reminded"):
    """Voters that have not voted were reminded."""

    number: int
    points: tuple[str, ...]


class VoteEnded(Struct, frozen=True, kw_only=True, tag="vote_ended"):
    """A secret vote takes no more ballots; they are counted now."""

    number: int
    title: str


class VoteClosed(Struct, frozen=True, kw_only=True, tag="vote_closed"):
    """A vote is over: what it came to, which `voting.result_of` makes of the ballots before, or the
    count of a secret one."""

    number: int
    title: str
    result: VoteResult


class VoteCancelled(Struct, frozen=True, kw_only=True, tag="vote_cancelled"):
    """A vote does not count; its ballots stay in the log."""

    number: int
    title: str


VoteEvent = (
    VoteOpened
    | BallotCast
    | SecretBallotCast
    | VoteReminded
    | VoteEnded
    | VoteClosed
    | VoteCancelled
)


def votes_after(votes: tuple[Vote, ...], event: VoteEvent, at: float) -> tuple[Vote, ...]:
    """The votes of a conference after an event at ``at`` (UTC seconds)."""
    if isinstance(event, VoteOpened):
        return (*votes, Vote(opened_at=at, **asdict(event)))
    return tuple(_after(vote, event, at) if vote.number == event.number else vote for vote in votes)


def _after(vote: Vote, event: VoteEvent, at: float) -> Vote:
    match event:
        case BallotCast():
            ballot = Ballot(
                choice=event.choice,
                number=event.ballot,
                at=at,
                key=event.key,
                signature=event.signature,
            )
            return replace(vote, ballots={**vote.ballots, event.voter: ballot})
        case SecretBallotCast():
            return replace(vote, secretly=(*vote.secretly, event.voter))
        case VoteReminded():
            return replace(vote, reminded_at=at)
        case VoteEnded():
            return replace(vote, stage="counting", closed_at=at)
        case VoteClosed():
            return replace(vote, stage="closed", closed_at=at, result=event.result)
        case VoteCancelled():
            return replace(vote, stage="cancelled", closed_at=at)
        case VoteOpened():
            return vote
