"""Decisions about secret votes: each voter once, and a count of as many ballots as voters."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SCHEDULER, SYSTEM
from bridge.conference.voting import Vote
from tests.conference.support import LAN, Run, live, point

SECRET = c.OpenVote(title="Bầu tổ trưởng", secret=True)


def voted(*names: str) -> Run:
    """A conference in whose secret vote these have voted."""
    run = live()
    run.ok(SECRET)
    for name in names:
        run.ok(c.CastSecretly(number=1, point=name), SYSTEM)
    return run


def last(run: Run) -> Vote:
    return run.state.votes[-1]


def counted(run: Run, counts: dict[str, int] | None) -> Vote:
    run.ok(c.CloseVote())
    run.ok(c.CountSecretly(number=1, counts=counts), SYSTEM)
    return last(run)


def test_who_has_voted_is_known_and_only_the_count_is_told() -> None:
    run = voted("a", "c")
    assert (last(run).voted, last(run).waiting) == (("a", "c"), ("b", "d"))
    vote = counted(run, {"for": 2})
    assert vote.result is not None
    assert vote.result.counts == {"for": 2, "against": 0, "abstain": 0}
    assert (vote.result.voted, vote.result.outcome) == (2, "rejected")


def test_a_voter_has_one_ballot() -> None:
    run = voted("a")
    assert run.refused(c.CastSecretly(number=1, point="a"), SYSTEM) == "refusal.voted_secretly"
    assert run.refused(c.CastSecretly(number=1, point="b"), point("b")) == "refusal.not_allowed"
    assert run.refused(c.CastSecretly(number=1, point="b"), LAN) == "refusal.not_allowed"
    run.ok(c.CloseVote())
    assert run.refused(c.CastSecretly(number=1, point="b"), SYSTEM) == "refusal.vote_over"
    assert run.refused(SECRET) == "refusal.vote_runs", "it is not counted yet"


@pytest.mark.parametrize(
    "counts",
    [None, {}, {"for": 1}, {"for": 3}, {"for": 1, "other": 1}, {"for": 3, "against": -1}],
)
def test_a_count_that_cannot_be_is_none(counts: dict[str, int] | None) -> None:
    vote = counted(voted("a", "c"), counts)
    assert (vote.stage, vote.result) == ("cancelled", None)


def test_weights_and_signatures_would_tell_who_chose_what() -> None:
    for command in (
        c.OpenVote(title="x", secret=True, weights={"a": 2}),
        c.OpenVote(title="x", secret=True, signed=True),
    ):
        assert live().refused(command) == "refusal.secret_vote"
    run = voted()
    ballot = c.CastBallot(number=1, choice="for", point="b")
    assert run.refused(ballot, point("b")) == "refusal.secret_ballot"


def test_a_conference_does_not_end_in_the_middle_of_a_secret_vote() -> None:
    run = voted("a")
    assert run.refused(c.End()) == "refusal.secret_vote_runs"
    run.ok(c.CloseVote())
    assert run.refused(c.End()) == "refusal.secret_vote_runs"
    events = run.ok(c.End(), SCHEDULER)
    assert [type(event) for event in events] == [e.VoteCancelled, e.Ended]
    run = voted("a")
    counted(run, {"for": 1})
    run.ok(c.End())
