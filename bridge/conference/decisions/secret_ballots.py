"""Decisions about secret votes: that somebody has voted, and the count. What was chosen never comes
here; the ballots are put away by `bridge.control.secret_votes`."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.decisions.votes import shut_to
from bridge.conference.model import Actor, State
from bridge.conference.voting import count_secret, numbered


def cast(state: State, command: c.CastSecretly, actor: Actor, now: float) -> Outcome:
    """A voter has one ballot, which cannot be changed: nobody could tell which one it is."""
    vote = numbered(state.votes, command.number)
    if vote is None or not vote.secret:
        return no("refusal.unknown_vote", number=str(command.number))
    shut = shut_to(state, vote, command.point, command.person)
    if shut is not None:
        return shut
    voter = command.person or command.point
    if voter in vote.secretly:
        return no("refusal.voted_secretly")
    return (e.SecretBallotCast(number=vote.number, voter=voter),)


def count(state: State, command: c.CountSecretly, actor: Actor, now: float) -> Outcome:
    """Without as many ballots as voters there is no result: the vote does not count."""
    vote = numbered(state.votes, command.number)
    if vote is None or vote.stage != "counting":
        return ()
    result = count_secret(vote, command.counts) if command.counts is not None else None
    if result is None:
        return (e.VoteCancelled(number=vote.number, title=vote.title),)
    return (e.VoteClosed(number=vote.number, title=vote.title, result=result),)
