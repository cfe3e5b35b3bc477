"""Votes: opened, cast, changed, sent twice, closed; whatever is done, every voter counts once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.model import SYSTEM, Actor, Refusal, canonical
from bridge.conference.voting import Vote, result_of
from tests.conference.support import LAN, POINTS, Run, live, point

PLAN = c.OpenVote(title="Thông qua kế hoạch")


def voting(command: c.OpenVote = PLAN, **options: object) -> Run:
    """A conference in which a vote is open."""
    run = live(**options)
    run.ok(command)
    return run


def ballot(name: str, choice: str = "for", number: int = 1, nth: int = 0) -> c.CastBallot:
    return c.CastBallot(number=number, choice=choice, point=name, ballot=nth)


def last(run: Run) -> Vote:
    return run.state.votes[-1]


def test_a_vote_is_opened_cast_and_counted() -> None:
    run = voting()
    assert last(run).weights == dict.fromkeys(POINTS, 1)
    for name, choice in (("a", "for"), ("b", "for"), ("c", "against"), ("d", "for")):
        run.ok(ballot(name, choice), point(name))
    assert last(run).waiting == ()
    closed = run.ok(c.CloseVote())[-1]
    assert isinstance(closed, e.VoteClosed)
    assert closed.result == result_of(last(run)) == last(run).result
    assert closed.result.counts == {"for": 3, "against": 1, "abstain": 0}
    assert (closed.result.outcome, closed.result.voted) == ("carried", 4)


def test_the_last_ballot_before_the_close_counts() -> None:
    run = voting()
    run.ok(ballot("b", "for"), point("b"))
    run.ok(ballot("b", "against"), point("b"))
    run.ok(c.CloseVote())
    assert last(run).result == result_of(last(run))
    assert last(run).ballots["b"].number == 2
    result = last(run).result
    assert result is not None
    assert result.counts["for"] == 0
    assert result.counts["against"] == 1


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_ballot_that_is_sent_twice_counts_once(nth: int) -> None:
    run = voting()
    run.ok(ballot("b"), point("b"))
    assert run.ok(ballot("b", nth=nth), point("b")) == ()
    assert result_of(last(run)).cast == 1


def test_an_older_ballot_that_comes_late_changes_nothing() -> None:
    run = voting()
    run.ok(ballot("b", "for", nth=1), point("b"))
    run.ok(ballot("b", "against", nth=2), point("b"))
    assert run.refused(ballot("b", "for", nth=1), point("b")) == "refusal.ballot_late"
    assert run.refused(ballot("b", "for", nth=9), point("b")) == "refusal.ballot_late"
    assert last(run).ballots["b"].choice == "against"


@pytest.mark.parametrize(
    ("command", "actor", "key"),
    [
        (ballot("b", number=2), point("b"), "refusal.unknown_vote"),
        (ballot("b", "1"), point("b"), "refusal.unknown_choice"),
        (ballot("b", "FOR"), point("b"), "refusal.unknown_choice"),
        (ballot("b"), point("c"), "refusal.not_allowed"),
        (ballot("b"), LAN, "refusal.not_allowed"),
        (ballot("b"), Actor(kind="user", name="x", role="viewer"), "refusal.not_allowed"),
        (ballot("z"), point("z"), "refusal.unknown_point"),
        (ballot("d"), point("d"), "refusal.no_voter"),
        (PLAN, LAN, "refusal.vote_runs"),
        (PLAN, point("a"), "refusal.not_allowed"),
        (c.CloseVote(number=2), LAN, "refusal.unknown_vote"),
        (c.CloseVote(), point("a"), "refusal.not_allowed"),
    ],
)
def test_what_is_no_vote_is_refused(command: c.Command, actor: Actor, key: str) -> None:
    run = voting(c.OpenVote(title="x", points=("a", "b", "c")))
    assert run.refused(command, actor) == key


@pytest.mark.parametrize("end", [c.CloseVote(), c.CancelVote()])
def test_after_the_close_nothing_counts(end: c.Command) -> None:
    run = voting()
    run.ok(ballot("b"), point("b"))
    run.ok(end)
    before = last(run)
    assert run.refused(ballot("c"), point("c")) == "refusal.vote_over"
    assert run.refused(ballot("b", "against"), point("b")) == "refusal.vote_over"
    assert run.refused(c.CloseVote()) == "refusal.no_vote_runs"
    run.ok(PLAN)
    assert run.refused(ballot("c"), point("c")) == "refusal.vote_over", "not the one that runs"
    assert run.state.votes[0] == before
    assert last(run).ballots == {}
    assert run.refused(c.CloseVote(number=1)) == "refusal.no_vote_runs"


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (c.OpenVote(title="x", kind="choice"), "refusal.vote_options"),
        (c.OpenVote(title="x", kind="choice", options=("A",)), "refusal.vote_options"),
        (c.OpenVote(title="x", options=("A", "B")), "refusal.vote_options"),
        (c.OpenVote(title="x", kind="choice", options=("A", "A")), "refusal.option_twice"),
        (c.OpenVote(title="x", points=("z",)), "refusal.unknown_point"),
        (c.OpenVote(title="x", points=("d",)), "refusal.observer_vote"),
        (c.OpenVote(title="x", weights={"z": 2}), "refusal.unknown_point"),
        (c.OpenVote(title="x", points=("a",), weights={"b": 2}), "refusal.no_voter"),
    ],
)
def test_a_vote_that_makes_no_sense_is_not_opened(command: c.OpenVote, key: str) -> None:
    assert live(observers=("d",)).refused(command) == key


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x\u202ey"},
        {"title": ""},
        {"title": "x", "weights": {"a": 0}},
        {"title": "x", "weights": {"a": 1001}},
        {"title": "x", "quorum": 101},
        {"title": "x", "kind": "choice", "options": ["A"] * 13},
        {"title": "x", "majority": "most"},
        {"title": "x", "secret": "yes"},
    ],
)
def test_what_cannot_be_read_is_no_vote(body: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "open_vote", **body}, type=c.OpenVote)


def test_who_has_not_voted_is_reminded() -> None:
    run = voting()
    run.ok(ballot("b"), point("b"))
    (reminded,) = run.ok(c.RemindVoters())
    assert reminded == e.VoteReminded(number=1, points=("a", "c", "d"))
    assert last(run).reminded_at == run.now
    for name in ("a", "c", "d"):
        run.ok(ballot(name), point(name))
    assert run.refused(c.RemindVoters()) == "refusal.all_voted"


def test_a_room_that_drops_keeps_its_vote() -> None:
    run = voting()
    run.ok(ballot("b"), point("b"))
    run.ok(c.PointDown(point="b", reason="lost"), SYSTEM)
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.ok(ballot("b"), point("b")) == ()
    run.ok(c.PointDown(point="c", reason="lost"), SYSTEM)
    run.ok(ballot("c", "against"), point("c"))  # its page is there, its picture is not
    run.ok(c.Drop(point="d"), LAN)
    assert run.refused(ballot("d"), point("d")) == "refusal.no_voter"
    run.ok(c.CloseVote())
    assert result_of(last(run)).counts == {"for": 1, "against": 1, "abstain": 0}


def test_a_vote_of_the_trial_session_is_forgotten_and_its_number_never_used_again() -> None:
    run = Run()
    run.ok(PLAN)
    run.ok(ballot("b"), point("b"))
    run.ok(c.Start())
    assert run.state.votes == ()
    run.ok(PLAN)
    assert last(run).number == 2
    assert run.refused(ballot("b"), point("b")) == "refusal.unknown_vote"


def test_the_end_of_the_conference_closes_an_open_vote() -> None:
    run = voting()
    run.ok(ballot("b"), point("b"))
    events = run.ok(c.End())
    assert [type(event) for event in events] == [e.VoteClosed, e.Ended]
    assert last(run).stage == "closed"


CHOICES = st.sampled_from(["for", "against", "abstain", "1", ""])
STEPS = st.lists(
    st.tuples(st.sampled_from(POINTS), CHOICES, st.integers(1, 3), st.integers(0, 3)), max_size=30
)


@settings(max_examples=60)
@given(STEPS, st.integers(0, 30))
def test_every_voter_counts_once_and_a_replay_counts_the_same(
    steps: list[tuple[str, str, int, int]], killed: int
) -> None:
    """A kill in the middle is a replay of what the log has: nothing else is kept."""
    run = voting(c.OpenVote(title="x", weights={"b": 3}))
    for number, (name, choice, vote, nth) in enumerate(steps):
        if number == killed:
            again = replay(run.log)
            assert again is not None
            assert canonical(again) == canonical(run.state)
            run.state = again
        run.do(ballot(name, choice, vote, nth), point(name))
    chosen = {}
    for item in run.log:
        if isinstance(item.event, e.BallotCast):
            chosen[item.event.voter] = item.event.choice
    outcome = run.do(c.CloseVote())
    assert not isinstance(outcome, Refusal)
    result = last(run).result
    assert result is not None
    assert result.voted == len(chosen)
    assert result.cast == sum(3 if name == "b" else 1 for name in chosen)
    assert result == result_of(last(run))
