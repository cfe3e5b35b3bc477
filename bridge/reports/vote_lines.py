"""Votes as lines of a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.base.i18n import text
from bridge.conference.voting import Vote, VoteResult


def choice_text(language: str, vote: Vote, choice: str) -> str:
    """A choice in words: the vote's own, or those of the catalogue."""
    if vote.kind == "approval":
        return text(language, f"vote.choice_{choice}")
    return vote.options[int(choice) - 1]


def outcome_text(language: str, vote: Vote, result: VoteResult) -> str:
    """What a vote came to, with the votes of each choice."""
    options = " / ".join(choice_text(language, vote, choice) for choice in result.chosen)
    outcome = text(
        language,
        f"vote.outcome_{result.outcome}",
        options=options,
        voted=str(result.voted),
        invited=str(result.invited),
    )
    counts = ", ".join(
        f"{choice_text(language, vote, choice)}: {votes}" for choice, votes in result.counts.items()
    )
    by_persons = vote.by == "persons"
    return text(
        language,
        "report.vote_facts_persons" if by_persons else "report.vote_facts",
        outcome=outcome,
        counts=counts,
        voted=str(result.voted),
        invited=str(result.invited),
    )


def vote_lines(
    language: str, votes: Sequence[Vote], names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Each vote with its result, and behind it who chose what. ``names`` are of points and of
    persons, by id."""
    found = []
    for vote in votes:
        label = text(language, "report.vote", number=str(vote.number), title=vote.title)
        if vote.result is not None:
            found.append((label, outcome_text(language, vote, vote.result)))
        else:
            key = "vote.cancelled" if vote.stage == "cancelled" else "report.vote_open"
            found.append((label, text(language, key)))
        ballots = "; ".join(
            f"{names.get(voter, voter)}: {choice_text(language, vote, ballot.choice)}"
            for voter, ballot in vote.ballots.items()
        )
        if ballots:
            by_persons = vote.by == "persons"
            label = "report.vote_ballots_persons" if by_persons else "report.vote_ballots"
            found.append((text(language, label), ballots))
        if vote.secretly:
            voted = ", ".join(names.get(voter, voter) for voter in vote.secretly)
            found.append((text(language, "report.vote_secretly"), voted))
        unsigned = [names.get(voter, voter) for voter, b in vote.ballots.items() if not b.key]
        if unsigned and vote.by == "points":
            found.append((text(language, "report.vote_unsigned"), ", ".join(unsigned)))
    return found
