"""Delegates on a conference's list: who is there, registration, and votes by persons."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import person_events as pe
from bridge.conference.apply import replay
from bridge.conference.attendance import MAX_PERSONS, Person
from bridge.conference.model import SYSTEM, Actor, Refusal, canonical
from bridge.conference.proceedings import proceedings
from bridge.conference.voting import Vote
from bridge.proof.ballots import of_votes
from tests.conference.support import LAN, MINH, Run, live, point

LIST = {
    "a1": Person(point="a", seal="s1"),
    "b1": Person(point="b", weight=3, seal="s2"),
    "b2": Person(point="b", seal="s3"),
    "c1": Person(point="c", seal="s4"),
}
OPEN = c.OpenVote(title="Thông qua", by="persons")


def listed(present: tuple[str, ...] = ("a1", "b1", "b2"), **options: object) -> Run:
    run = live(**options)
    run.ok(c.ListPersons(persons=LIST), SYSTEM)
    if present:
        run.ok(c.Attend(persons=present))
    return run


def ballot(ident: str, choice: str = "for", nth: int = 0, at: str = "") -> c.CastBallot:
    return c.CastBallot(number=1, choice=choice, point=at or ident[0], person=ident, ballot=nth)


def person(ident: str) -> Actor:
    return Actor(kind="person", name=ident)


def last(run: Run) -> Vote:
    return run.state.votes[-1]


def test_a_list_is_told_once_and_ticks_stay_when_it_changes() -> None:
    run = listed()
    assert run.ok(c.ListPersons(persons=LIST), SYSTEM) == ()
    run.ok(c.ListPersons(persons={"b1": Person(point="b", weight=2, seal="other")}), SYSTEM)
    assert run.state.persons["b1"] == Person(point="b", weight=2, seal="other", present=True)
    run.ok(c.UnlistPersons(persons=("b1", "b1", "zz")), SYSTEM)
    assert set(run.state.persons) == {"a1", "b2", "c1"}
    replayed = replay(run.log)
    assert replayed is not None
    assert canonical(replayed) == canonical(run.state)


def test_attendance_is_of_those_on_the_list_and_anybody_who_may_direct_keeps_it() -> None:
    run = listed(present=())
    run.ok(c.Direct(take_over=True), MINH)
    assert run.ok(c.Attend(persons=("a1", "a1", "c1")), LAN) == (
        pe.AttendanceNoted(persons=("a1", "c1"), present=True),
    )
    assert run.ok(c.Attend(persons=("a1",))) == ()
    run.ok(c.Attend(persons=("a1",), present=False))
    assert [i for i, p in run.state.persons.items() if p.present] == ["c1"]
    refused = run.do(c.Attend(persons=("zz",)))
    assert isinstance(refused, Refusal)
    assert refused.key == "refusal.unknown_person"
    assert isinstance(run.do(c.Attend(persons=("a1",)), point("a")), Refusal)
    assert isinstance(run.do(c.Attend(persons=("a1",)), person("a1")), Refusal)


def test_a_list_has_an_end() -> None:
    run = live()
    many = {f"{n:x}": Person(point="a", seal=str(n)) for n in range(MAX_PERSONS + 1)}
    refused = run.do(c.ListPersons(persons=many), SYSTEM)
    assert isinstance(refused, Refusal)
    assert refused.key == "refusal.too_many_persons"


def test_registrations_are_numbered_and_end_with_the_conference() -> None:
    run = live()
    assert run.ok(c.SetRegistration()) == (pe.RegistrationSet(open=True, number=1),)
    assert run.ok(c.SetRegistration()) == ()
    run.ok(c.SetRegistration(open=False))
    run.ok(c.SetRegistration())
    assert (run.state.registration_open, run.state.registrations) == (True, 2)
    run.ok(c.End())
    assert not run.state.registration_open


def test_persons_vote_with_their_weights_and_the_quorum_counts_persons() -> None:
    run = listed()
    run.ok(OPEN)
    assert last(run).weights == {"a1": 1, "b1": 3, "b2": 1, "c1": 1}
    run.ok(ballot("b1"), person("b1"))
    run.ok(ballot("a1", "against"), person("a1"))
    run.ok(c.CloseVote())
    result = last(run).result
    assert result is not None
    assert (result.invited, result.voted, result.quorate) == (4, 2, True)
    assert result.counts == {"for": 3, "against": 1, "abstain": 0}
    states = [found.state for found in of_votes(run.log)]
    assert states == ["proved", "open"], "the count is proved; telephones sign nothing"
    assert proceedings(run.log, run.now).report.votes[0].by == "persons"


def test_below_the_quorum_of_persons_nothing_is_decided() -> None:
    run = listed()
    run.ok(c.OpenVote(title="x", by="persons", quorum=50))
    run.ok(ballot("b1"), person("b1"))
    run.ok(c.CloseVote())
    result = last(run).result
    assert result is not None
    assert result.outcome == "no_quorum", "three votes of one person are one person"


def test_a_ballot_sent_twice_counts_once_and_an_older_one_not_at_all() -> None:
    run = listed()
    run.ok(OPEN)
    run.ok(ballot("b2", nth=1), person("b2"))
    assert run.ok(ballot("b2", nth=1), person("b2")) == ()
    run.ok(ballot("b2", "against", nth=2), person("b2"))
    late = run.do(ballot("b2", "for", nth=1), person("b2"))
    assert isinstance(late, Refusal)
    assert late.key == "refusal.ballot_late"
    assert last(run).ballots["b2"].choice == "against"


@pytest.mark.parametrize(
    ("asked", "actor", "key"),
    [
        (ballot("b2"), person("b1"), "refusal.not_allowed"),  # for another person
        (ballot("b2"), point("b"), "refusal.not_allowed"),  # the room, for a person
        (ballot("b2", at="c"), person("b2"), "refusal.person_no_voter"),
        (ballot("zz", at="b"), person("zz"), "refusal.person_no_voter"),
        (ballot("c1"), person("c1"), "refusal.person_absent"),
        (c.CastBallot(number=1, choice="for", point="b"), point("b"), "refusal.vote_of_persons"),
        (ballot("b2", "1"), person("b2"), "refusal.unknown_choice"),
        (c.Start(), person("b2"), "refusal.not_allowed"),
        (c.SelfMute(point="b", muted=False), person("b2"), "refusal.not_allowed"),
        (c.RequestFloor(point="b"), person("b2"), "refusal.not_allowed"),
    ],
)
def test_nobody_votes_for_another(asked: c.Command, actor: Actor, key: str) -> None:
    run = listed()
    run.ok(OPEN)
    refused = run.do(asked, actor)
    assert isinstance(refused, Refusal)
    assert refused.key == key
    assert last(run).ballots == {}


def test_in_a_vote_of_points_no_person_votes() -> None:
    run = listed()
    run.ok(c.OpenVote(title="x"))
    refused = run.do(ballot("b2"), person("b2"))
    assert isinstance(refused, Refusal)
    assert refused.key == "refusal.no_voter"


def test_who_comes_late_or_leaves_the_list() -> None:
    run = listed()
    run.ok(OPEN)
    run.ok(c.Attend(persons=("c1",)))
    run.ok(ballot("c1"), person("c1"))
    run.ok(c.UnlistPersons(persons=("b2",)), SYSTEM)
    assert isinstance(run.do(ballot("b2"), person("b2")), Refusal)
    run.ok(c.ListPersons(persons={"d1": Person(point="d", seal="x")}), SYSTEM)
    run.ok(c.Attend(persons=("d1",)))
    assert isinstance(run.do(ballot("d1"), person("d1")), Refusal), "on the list after it opened"
    assert set(last(run).weights) == set(LIST)


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (c.OpenVote(title="x", by="persons", signed=True), "refusal.person_vote"),
        (c.OpenVote(title="x", by="persons", weights={"a": 2}), "refusal.person_vote"),
        (c.OpenVote(title="x", by="persons", points=("d",)), "refusal.no_persons"),
    ],
)
def test_what_a_vote_of_persons_cannot_be(asked: c.OpenVote, key: str) -> None:
    refused = listed().do(asked)
    assert isinstance(refused, Refusal)
    assert refused.key == key


def test_a_secret_vote_of_persons_gives_each_one_vote() -> None:
    run = listed()
    run.ok(c.OpenVote(title="x", by="persons", secret=True, quorum=0))
    assert set(last(run).weights.values()) == {1}
    run.ok(c.CastSecretly(number=1, point="b", person="b1"), SYSTEM)
    twice = run.do(c.CastSecretly(number=1, point="b", person="b1"), SYSTEM)
    assert isinstance(twice, Refusal)
    assert twice.key == "refusal.voted_secretly"
    run.ok(c.CastSecretly(number=1, point="b", person="b2"), SYSTEM)
    run.ok(c.CloseVote())
    run.ok(c.CountSecretly(number=1, counts={"for": 1, "abstain": 1}), SYSTEM)
    assert last(run).secretly == ("b1", "b2")
    assert isinstance(run.log[-1].event, e.VoteClosed)
