"""What of the votes in a log is proved: that the count is that of the ballots, and that rooms have
signed them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from bridge.conference import events as e
from bridge.conference.ballot_signature import ballot_signed
from bridge.conference.vote_events import VoteEvent, votes_after
from bridge.conference.voting import Vote, count_secret, numbered, result_of
from bridge.proof.verdict import Finding, finding

KINDS = tuple(str(kind.__struct_config__.tag) for kind in (e.Started, *get_args(VoteEvent)))
"""The kinds of events that votes are counted from."""


def of_votes(log: Iterable[e.Recorded]) -> list[Finding]:
    """Count every closed vote of a conference again, and check its ballots; ``log`` are its events,
    those of `KINDS` at least."""
    votes: tuple[Vote, ...] = ()
    found: list[Finding] = []
    for item in log:
        event = item.event
        if isinstance(event, e.Started):
            votes = ()
        elif isinstance(event, VoteEvent):
            votes = votes_after(votes, event, item.at)
            if isinstance(event, e.VoteClosed):
                closed = numbered(votes, event.number)
                found += _of_vote(item.conference, closed) if closed is not None else []
    return found


def _of_vote(conference: str, vote: Vote) -> list[Finding]:
    named: dict[str, str | int] = {"number": vote.number, "title": vote.title}
    if vote.secret:
        counts = vote.result.counts if vote.result is not None else {}
        if count_secret(vote, counts) != vote.result:
            return [finding("false", "proof.vote_false", **named)]
        return [finding("open", "proof.vote_secret", ballots=len(vote.secretly), **named)]
    if result_of(vote) != vote.result:
        return [finding("false", "proof.vote_false", **named)]
    with_key = {voter: ballot for voter, ballot in vote.ballots.items() if ballot.key}
    wrong = [v for v, b in with_key.items() if not ballot_signed(conference, vote, v, b)]
    if wrong:
        return [finding("false", "proof.ballot_false", voter=", ".join(wrong), **named)]
    found = [finding("proved", "proof.vote_counted", ballots=len(vote.ballots), **named)]
    if vote.by == "persons":  # telephones have no key that the bridge did not hand out itself
        return [*found, finding("open", "proof.ballots_of_persons", **named)]
    if with_key:
        found.append(finding("proved", "proof.ballots_signed", ballots=len(with_key), **named))
    unsigned = [voter for voter in vote.ballots if voter not in with_key]
    if unsigned:
        found.append(finding("open", "proof.ballots_unsigned", voters=", ".join(unsigned), **named))
    return found
