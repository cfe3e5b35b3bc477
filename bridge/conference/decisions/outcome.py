"""The outcome of a decision, events or a refusal, and what several decisions share."""

from __future__ import annotations

from bridge.conference import events as e
from bridge.conference.model import Refusal, State

Outcome = tuple[e.Event, ...] | Refusal
"""The events that a command leads to (none: nothing changes), or why it is refused."""


def no(key: str, **arguments: str) -> Refusal:
    return Refusal(key=key, arguments=arguments)


def cannot_send(state: State, point: str) -> Refusal | None:
    """Why a point cannot be brought on air or be given the floor."""
    if point in state.booking.observers:
        return no("refusal.observer", point=point)
    if not state.seats[point].present:
        return no("refusal.point_absent", point=point)
    return None


def end_floor(state: State, now: float) -> tuple[e.Event, ...]:
    if state.floor is None:
        return ()
    seconds = round(state.floor.spent(now), 3)
    return (e.FloorEnded(point=state.floor.point, seconds=seconds),)
