"""Decisions about votes: opening one, ballots, reminding, closing."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.ballot_signature import ballot_text, signed
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import Actor, Refusal, State
from bridge.conference.voting import (
    MAX_VOTES,
    Vote,
    counting_vote,
    numbered,
    open_vote,
    result_of,
)


def begin(state: State, command: c.OpenVote, actor: Actor, now: float) -> Outcome:
    if open_vote(state.votes) is not None or counting_vote(state.votes) is not None:
        return no("refusal.vote_runs")
    if command.secret and (command.weights or command.signed):
        return no("refusal.secret_vote")
    if len(state.votes) >= MAX_VOTES:
        return no("refusal.too_many_votes", most=str(MAX_VOTES))
    if (len(command.options) < 2) if command.kind == "choice" else bool(command.options):
        return no("refusal.vote_options")
    if len(set(command.options)) != len(command.options):
        return no("refusal.option_twice")
    if command.by == "persons" and (command.weights or command.signed):
        return no("refusal.person_vote")
    points = tuple(dict.fromkeys(command.points)) or tuple(
        point
        for point in state.booking.expected or state.points
        if point not in state.booking.observers and not state.seats[point].dropped
    )
    for point in (*points, *command.weights):
        if point not in state.seats:
            return no("refusal.unknown_point", point=point)
        if point in state.booking.observers:
            return no("refusal.observer_vote", point=point)
        if point not in points:
            return no("refusal.no_voter", point=point)
    weights = {point: command.weights.get(point, 1) for point in points}
    if command.by == "persons":
        weights = {
            ident: 1 if command.secret else person.weight
            for ident, person in state.persons.items()
            if person.point in points
        }
    if not weights:
        return no("refusal.no_persons" if command.by == "persons" else "refusal.no_voters")
    return (
        e.VoteOpened(
            number=state.votes_numbered + 1,
            title=command.title,
            kind=command.kind,
            options=command.options,
            weights=weights,
            quorum=command.quorum,
            majority=command.majority,
            signed=command.signed,
            secret=command.secret,
            by=command.by,
        ),
    )


def shut_to(state: State, vote: Vote, point: str, person: str) -> Refusal | None:
    """Why a vote takes no ballot of a point, or of a ``person`` ("": none) who sits there. Persons
    vote who are ticked as present: a link alone can be opened anywhere."""
    if vote.stage != "open":
        return no("refusal.vote_over", title=vote.title)
    if vote.by == "points":
        voter = point in vote.weights and not person and not state.seats[point].dropped
        return None if voter else no("refusal.no_voter", point=point)
    if not person:
        return no("refusal.vote_of_persons", title=vote.title)
    listed = state.persons.get(person)
    if person not in vote.weights or listed is None or listed.point != point:
        return no("refusal.person_no_voter")
    return None if listed.present else no("refusal.person_absent")


def cast(state: State, command: c.CastBallot, actor: Actor, now: float) -> Outcome:
    """Whoever has voted already may change it until the vote is closed: the last ballot counts. A
    ballot that is sent twice changes nothing, an older one that comes late neither."""
    vote = numbered(state.votes, command.number)
    if vote is None:
        return no("refusal.unknown_vote", number=str(command.number))
    shut = shut_to(state, vote, command.point, command.person)
    if shut is not None:
        return shut
    if vote.secret:  # its ballots are put away before they come here
        return no("refusal.secret_ballot")
    if command.choice not in vote.choices:
        return no("refusal.unknown_choice", choice=command.choice)
    voter = command.person or command.point
    before = vote.ballots.get(voter)
    cast_already = before.number if before is not None else 0
    same = before is not None and before.choice == command.choice
    if same and command.ballot in (0, cast_already, cast_already + 1):
        return ()
    if command.ballot not in (0, cast_already + 1):
        return no("refusal.ballot_late")
    if command.key or command.signature:
        text = ballot_text(state.booking.id, vote, voter, command.choice, cast_already + 1)
        if not signed(text, command.key, command.signature):
            return no("refusal.ballot_signature")
    elif vote.signed:
        return no("refusal.ballot_unsigned")
    return (
        e.BallotCast(
            number=vote.number,
            voter=voter,
            choice=command.choice,
            ballot=cast_already + 1,
            key=command.key,
            signature=command.signature,
        ),
    )


def _open(state: State, number: int | None) -> Vote | Refusal:
    """The open vote, where it is the one that is meant."""
    vote = open_vote(state.votes)
    if number is not None and number > state.votes_numbered:
        return no("refusal.unknown_vote", number=str(number))
    if vote is None or (number is not None and number != vote.number):
        return no("refusal.no_vote_runs")
    return vote


def remind(state: State, command: c.RemindVoters, actor: Actor, now: float) -> Outcome:
    vote = _open(state, command.number)
    if isinstance(vote, Refusal):
        return vote
    if not vote.waiting:
        return no("refusal.all_voted")
    return (e.VoteReminded(number=vote.number, points=vote.waiting),)


def close(state: State, command: c.CloseVote, actor: Actor, now: float) -> Outcome:
    vote = _open(state, command.number)
    return vote if isinstance(vote, Refusal) else _closed(vote)


def _closed(vote: Vote) -> tuple[e.Event, ...]:
    if vote.secret:
        return (e.VoteEnded(number=vote.number, title=vote.title),)
    return (e.VoteClosed(number=vote.number, title=vote.title, result=result_of(vote)),)


def cancel(state: State, command: c.CancelVote, actor: Actor, now: float) -> Outcome:
    vote = _open(state, command.number)
    if isinstance(vote, Refusal):
        return vote
    return (e.VoteCancelled(number=vote.number, title=vote.title),)


def end(state: State, actor: Actor) -> tuple[e.Event, ...] | Refusal:
    """A vote that is open when the conference ends is closed and counted as it stands. A secret one
    cannot be counted any more: whoever ends the conference closes or cancels it first."""
    vote = open_vote(state.votes) or counting_vote(state.votes)
    if vote is None:
        return ()
    if not vote.secret:
        return _closed(vote)
    if actor.kind == "user":
        return no("refusal.secret_vote_runs", title=vote.title)
    return (e.VoteCancelled(number=vote.number, title=vote.title),)
