"""Anybody who has the log counts the same; a changed ballot, result or signature is found."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.proof.ballots import of_votes
from bridge.proof.verdict import worst
from tests.conference.support import Run, live, point
from tests.conference.test_ballot_signature import OTHER, ballot, public

Change = Callable[[e.Event], e.Event]


def voted(*, unsigned: bool = False) -> Run:
    run = live()
    run.ok(c.OpenVote(title="Kế hoạch"))
    vote = run.state.votes[0]
    run.ok(ballot(vote, "b", "for"), point("b"))
    run.ok(ballot(vote, "b", "against", 2), point("b"))
    run.ok(ballot(vote, "c", "for"), point("c"))
    if unsigned:
        run.ok(c.CastBallot(number=1, choice="for", point="d"), point("d"))
    run.ok(c.CloseVote())
    return run


def test_a_log_whose_rooms_have_signed_is_proved() -> None:
    assert worst(of_votes(voted().log)) == "proved"
    assert worst(of_votes(voted(unsigned=True).log)) == "open"
    assert of_votes(live().log) == []


def edited(kind: type, **changes: object) -> Change:
    def change(event: e.Event) -> e.Event:
        return msgspec.structs.replace(event, **changes) if isinstance(event, kind) else event

    return change


def counted(event: e.Event) -> e.Event:
    """Another result, with nothing else changed."""
    if not isinstance(event, e.VoteClosed):
        return event
    counts = {"for": 2, "against": 0, "abstain": 0}
    result = msgspec.structs.replace(event.result, counts=counts)
    return msgspec.structs.replace(event, result=result)


def recounted(event: e.Event) -> e.Event:
    """Against becomes for, and the result with it: only the signature tells."""
    if isinstance(event, e.BallotCast):
        return msgspec.structs.replace(event, choice="for")
    return counted(event) if isinstance(event, e.VoteClosed) else event


@pytest.mark.parametrize(
    "change",
    [
        counted,
        recounted,
        edited(e.BallotCast, voter="d"),
        edited(e.BallotCast, signature=""),
        edited(e.BallotCast, key=public(OTHER)),
        edited(e.VoteOpened, title="Kế hoạch khác"),
        edited(e.VoteOpened, weights={"a": 1, "b": 5, "c": 1, "d": 1}),
    ],
)
def test_what_was_changed_is_found(change: Change) -> None:
    log = [msgspec.structs.replace(item, event=change(item.event)) for item in voted().log]
    assert worst(of_votes(log)) == "false"


def test_votes_of_the_trial_session_and_cancelled_ones_prove_nothing() -> None:
    run = Run()
    run.ok(c.OpenVote(title="x"))
    run.ok(c.Start())
    run.ok(c.OpenVote(title="x"))
    run.ok(c.CancelVote())
    assert of_votes(run.log) == []
