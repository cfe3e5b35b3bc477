"""Counting: weights, quorum, majorities, options, by tables."""

from __future__ import annotations

import pytest

from bridge.conference.voting import Kind, Majority, Vote, count

VOTERS = ("a", "b", "c", "d")


def vote(
    kind: Kind = "approval", majority: Majority = "half", quorum: int = 0, **weights: int
) -> Vote:
    return Vote(
        number=1,
        title="x",
        kind=kind,
        options=("A", "B", "C") if kind == "choice" else (),
        weights={voter: weights.get(voter, 1) for voter in VOTERS},
        quorum=quorum,
        majority=majority,
        opened_at=0.0,
    )


def chosen(word: str) -> dict[str, str]:
    """Who chose what: a letter a voter, in their order; "-" has not voted."""
    words = {"f": "for", "a": "against", "0": "abstain"}
    return {v: words.get(w, w) for v, w in zip(VOTERS, word, strict=True) if w != "-"}


@pytest.mark.parametrize(
    ("majority", "ballots", "outcome"),
    [
        ("simple", "f---", "carried"),
        ("simple", "fa--", "rejected"),
        ("simple", "f000", "carried"),
        ("half", "ff--", "rejected"),
        ("half", "fff-", "carried"),
        ("half", "ff0a", "rejected"),
        ("two_thirds", "ff--", "rejected"),
        ("two_thirds", "fffa", "carried"),
        ("half", "0000", "rejected"),
        ("half", "----", "no_quorum"),
    ],
)
def test_what_carries(majority: Majority, ballots: str, outcome: str) -> None:
    assert count(vote(majority=majority), chosen(ballots)).outcome == outcome


def test_two_thirds_are_exact() -> None:
    three = Vote(
        number=1,
        title="x",
        weights={"a": 1, "b": 1, "c": 1},
        majority="two_thirds",
        opened_at=0.0,
    )
    assert count(three, {"a": "for", "b": "for"}).outcome == "carried"
    assert count(three, {"a": "for"}).outcome == "rejected"


@pytest.mark.parametrize(
    ("quorum", "ballots", "quorate"),
    [(50, "f---", False), (50, "ff--", True), (51, "ff--", False), (100, "ffff", True)],
)
def test_a_quorum_counts_voters_not_weights(quorum: int, ballots: str, quorate: bool) -> None:
    result = count(vote(quorum=quorum, a=100), chosen(ballots))
    assert result.quorate is quorate
    assert (result.outcome == "no_quorum") is not quorate


def test_weights_count() -> None:
    result = count(vote(majority="half", a=5), chosen("faaa"))
    assert result.counts == {"for": 5, "against": 3, "abstain": 0}
    assert (result.outcome, result.weight, result.cast) == ("carried", 8, 8)


@pytest.mark.parametrize(
    ("ballots", "outcome", "options"),
    [("1123", "chosen", ("1",)), ("1122", "tied", ("1", "2")), ("----", "no_quorum", ())],
)
def test_the_option_with_the_most_votes(
    ballots: str, outcome: str, options: tuple[str, ...]
) -> None:
    result = count(vote("choice"), chosen(ballots))
    assert (result.outcome, result.chosen) == (outcome, options)


def test_who_has_no_vote_and_what_is_no_choice_do_not_count() -> None:
    result = count(vote(), {"z": "for", "a": "yes", "b": "for"})
    assert (result.voted, result.cast) == (1, 1)
