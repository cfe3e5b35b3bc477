"""What events of the agenda, and of what is decided on it, make of the state. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from bridge.conference import agenda_events as e
from bridge.conference.events import Event
from bridge.conference.model import CurrentItem, Decision, State


def _applied_agenda(state: State, event: e.AgendaSet, at: float) -> State:
    numbered = max((item.number for item in event.items), default=0)
    return replace(state, agenda=event.items, items_numbered=max(state.items_numbered, numbered))


def _applied_item(state: State, event: e.ItemBegun, at: float) -> State:
    begun = (*(number for number in state.items_begun if number != event.number), event.number)
    return replace(state, item=CurrentItem(number=event.number, since=at), items_begun=begun)


def _applied_item_over(state: State, event: e.ItemOver, at: float) -> State:
    assert state.item is not None
    return replace(state, item=replace(state.item, over=True))


def _applied_decision(state: State, event: e.DecisionNoted, at: float) -> State:
    noted = Decision(number=event.number, text=event.text, item=event.item)
    return replace(state, decisions=(*state.decisions, noted), decisions_numbered=event.number)


def _applied_decision_edited(state: State, event: e.DecisionEdited, at: float) -> State:
    decisions = tuple(
        replace(noted, text=event.text) if noted.number == event.number else noted
        for noted in state.decisions
    )
    return replace(state, decisions=decisions)


def _applied_decision_withdrawn(state: State, event: e.DecisionWithdrawn, at: float) -> State:
    left = tuple(noted for noted in state.decisions if noted.number != event.number)
    return replace(state, decisions=left)


AGENDA: dict[type[Event], Callable[[State, Any, float], State]] = {
    e.AgendaSet: _applied_agenda,
    e.ItemBegun: _applied_item,
    e.ItemOver: _applied_item_over,
    e.DecisionNoted: _applied_decision,
    e.DecisionEdited: _applied_decision_edited,
    e.DecisionWithdrawn: _applied_decision_withdrawn,
}
