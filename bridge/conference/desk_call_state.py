"""What events of a desk call make of the state: who has a seat, and how the call stands. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from bridge.conference import desk_call_events as e
from bridge.conference.desk_call import DeskCall
from bridge.conference.events import Event
from bridge.conference.model import Booking, Seat, State


def begun(booking: Booking, at: float) -> DeskCall | None:
    """The call with which a conference is opened; None for a meeting."""
    rules = booking.desk
    return DeskCall(ringing=rules.first, rung_at=at) if rules is not None else None


def settled(state: State, at: float) -> State:
    """The state with what it means for a call who is present."""
    call = state.call
    if call is None:
        return state
    alone = state.phase == "live" and len(state.present) < 2
    since = (call.alone_since or at) if alone else None
    if since == call.alone_since:
        return state
    return replace(state, call=replace(call, alone_since=since))


def _seated(state: State, officer: str) -> State:
    if officer in state.seats:
        return state
    seat = Seat(connect="invitation", microphone=True)
    booking = replace(state.booking, points=(*state.points, officer))
    return replace(state, booking=booking, seats={**state.seats, officer: seat})


def _without(state: State, officer: str | None) -> State:
    if officer is None or officer not in state.seats:
        return state
    booking = replace(state.booking, points=tuple(p for p in state.points if p != officer))
    seats = {point: seat for point, seat in state.seats.items() if point != officer}
    return replace(state, booking=booking, seats=seats)


def _applied_rung(state: State, event: e.OfficerRung, at: float) -> State:
    assert state.call is not None
    call = replace(state.call, ringing=event.officer, rung_at=at, missed=None, why=None)
    return replace(_seated(state, event.officer), call=call)


def _applied_answered(state: State, event: e.OfficerAnswered, at: float) -> State:
    assert state.call is not None
    handed = state.call.handed_over + (event.before is not None)
    call = replace(state.call, ringing=None, officer=event.officer, handed_over=handed)
    return replace(_without(state, event.before), call=call)


def _applied_unreached(state: State, event: e.OfficerUnreached, at: float) -> State:
    assert state.call is not None
    call = replace(state.call, ringing=None, missed=event.officer, missed_at=at, why=event.why)
    return replace(_without(state, event.officer), call=call)


def _applied_call_ended(state: State, event: e.DeskCallEnded, at: float) -> State:
    assert state.call is not None
    return replace(state, call=replace(state.call, ringing=None, outcome=event.outcome))


DESK_CALL: dict[type[Event], Callable[[State, Any, float], State]] = {
    e.OfficerRung: _applied_rung,
    e.OfficerAnswered: _applied_answered,
    e.OfficerUnreached: _applied_unreached,
    e.DeskCallEnded: _applied_call_ended,
}
