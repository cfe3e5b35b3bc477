"""Decisions about what is minuted: the sentences in which somebody writes down what was decided."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import MAX_DECISIONS, Actor, Decision, State


def note(state: State, command: c.NoteDecision, actor: Actor, now: float) -> Outcome:
    """A decision on the item that is dealt with, unless the command names another or none."""
    if len(state.decisions) >= MAX_DECISIONS:
        return no("refusal.decisions_full", most=str(MAX_DECISIONS))
    number = command.item
    if number is None:
        number = state.item.number if state.item is not None else 0
    item = next((item for item in state.agenda if item.number == number), None)
    if item is None and number:
        return no("refusal.unknown_item", number=str(number))
    return (
        e.DecisionNoted(
            number=state.decisions_numbered + 1,
            text=command.text,
            item=item.number if item is not None else None,
            title=item.title if item is not None else "",
        ),
    )


def edit(state: State, command: c.EditDecision, actor: Actor, now: float) -> Outcome:
    noted = _found(state, command.decision)
    if noted is None:
        return no("refusal.unknown_decision", number=str(command.decision))
    if noted.text == command.text:
        return ()
    return (e.DecisionEdited(number=noted.number, text=command.text),)


def withdraw(state: State, command: c.WithdrawDecision, actor: Actor, now: float) -> Outcome:
    noted = _found(state, command.decision)
    if noted is None:
        return no("refusal.unknown_decision", number=str(command.decision))
    return (e.DecisionWithdrawn(number=noted.number, text=noted.text),)


def _found(state: State, number: int) -> Decision | None:
    return next((noted for noted in state.decisions if noted.number == number), None)
