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


def taken(state: State, point: str) -> e.Taken:
    """``point`` on air instead of who is."""
    return e.Taken(point=point, previous=state.on_air, swapped=swaps(state, point))


def swaps(state: State, point: str) -> bool:
    """Whether who is on air goes to preview when ``point`` comes on air, as on every mixer. What
    the director has prepared there stays, unless that is what was taken."""
    if state.on_air == point or state.seats[state.on_air].dropped:
        return False
    return state.preview in (None, point)


def stop_content(state: State) -> tuple[e.Event, ...]:
    """The end of a shared screen; the rooms get the layout back that they had before it."""
    if state.content is None:
        return ()
    stopped = e.ContentStopped(sharer=state.content)
    if state.layout_before is None:
        return (stopped,)
    return (stopped, e.LayoutSet(layout=state.layout_before))


def end_floor(state: State, now: float) -> tuple[e.Event, ...]:
    if state.floor is None:
        return ()
    seconds = round(state.floor.spent(now), 3)
    return (e.FloorEnded(point=state.floor.point, seconds=seconds),)
