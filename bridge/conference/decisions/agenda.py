"""Decisions about the agenda: what is on it, and which item is dealt with."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions import floor
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import MAX_ITEMS, Actor, Item, Refusal, State


def set_items(state: State, command: c.SetAgenda, actor: Actor, now: float) -> Outcome:
    """The agenda as it is to be: items that are there keep their numbers, new ones get theirs."""
    known = {item.number for item in state.agenda}
    named = [entry.number for entry in command.items if entry.number]
    if len(set(named)) != len(named):
        return no("refusal.item_twice")
    for number in named:
        if number not in known:
            return no("refusal.unknown_item", number=str(number))
    if state.item is not None and state.item.number in known - set(named):
        return no("refusal.item_runs")
    return _became(state, command.items)


def add(state: State, command: c.AddItem, actor: Actor, now: float) -> Outcome:
    if len(state.agenda) >= MAX_ITEMS:
        return no("refusal.agenda_full", most=str(MAX_ITEMS))
    entry = c.AgendaEntry(title=command.title, point=command.point, minutes=command.minutes)
    there = (
        c.AgendaEntry(number=i.number, title=i.title, point=i.point, minutes=i.minutes)
        for i in state.agenda
    )
    return _became(state, (*there, entry))


def _became(state: State, entries: Sequence[c.AgendaEntry]) -> Outcome:
    items: list[Item] = []
    last = state.items_numbered
    for entry in entries:
        if entry.point is not None and entry.point not in state.seats:
            return no("refusal.unknown_point", point=entry.point)
        if entry.point in state.booking.observers:
            return no("refusal.observer", point=str(entry.point))
        number = entry.number
        if not number:
            number = last = last + 1
        items.append(
            Item(number=number, title=entry.title, point=entry.point, minutes=entry.minutes)
        )
    return () if tuple(items) == state.agenda else (e.AgendaSet(items=tuple(items)),)


def next_item(state: State, command: c.NextItem, actor: Actor, now: float) -> Outcome:
    """Begin an item, and give the floor to who speaks to it: one action."""
    if command.number is not None:
        item = next((i for i in state.agenda if i.number == command.number), None)
        if item is None:
            return no("refusal.unknown_item", number=str(command.number))
        if state.item is not None and state.item.number == item.number:
            return ()
    else:
        if not state.agenda:
            return no("refusal.no_agenda")
        item = following(state)
        if item is None:
            return no("refusal.agenda_done")
    begun = e.ItemBegun(
        number=item.number, title=item.title, point=item.point, minutes=item.minutes
    )
    if item.point is None:
        return (begun,)
    if item.point == state.chair:
        spoken = floor.back_to_chair(state, c.Return(), actor, now)
    else:
        limit = item.minutes * 60 if item.minutes is not None else None
        asked = c.Grant(point=item.point, seconds=limit)
        spoken = floor.grant(state, asked, actor, now)
    return spoken if isinstance(spoken, Refusal) else (begun, *spoken)


def following(state: State) -> Item | None:
    """The item that is next: behind the running one, the first that was not dealt with; then those
    before it that were passed over. None: there is none."""
    numbers = [item.number for item in state.agenda]
    here = 0
    if state.item is not None and state.item.number in numbers:
        here = numbers.index(state.item.number) + 1
    for item in (*state.agenda[here:], *state.agenda[:here]):
        if item.number not in state.items_begun:
            return item
    return None


def over_at(state: State) -> float | None:
    """When the time of the running item is over, UTC seconds; None: it has none, or it was said."""
    current = state.item
    if current is None or current.over:
        return None
    item = next((i for i in state.agenda if i.number == current.number), None)
    if item is None or item.minutes is None:
        return None
    return current.since + item.minutes * 60
