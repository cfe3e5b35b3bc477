"""`decide` tells what a command leads to, `apply` carries an event out. Both pure."""

from __future__ import annotations

from dataclasses import replace

from bridge.conference.model import (
    Command,
    Event,
    PointDown,
    PointId,
    PointJoined,
    PointLeft,
    PointUp,
    Refusal,
    State,
    Take,
    Taken,
)


def start(
    points: tuple[PointId, ...],
    chair: PointId,
    observers: frozenset[PointId] = frozenset(),
) -> State:
    """A conference in which nobody is present yet and the chair is on air."""
    if chair not in points:
        raise ValueError(f"the chair {chair!r} is not one of the points")
    return State(chair=chair, points=points, on_air=chair, observers=observers)


def decide(state: State, command: Command) -> tuple[Event, ...] | Refusal:
    """Return the events of a command (none where nothing changes), or why it is refused."""
    if command.point not in state.points:
        return Refusal("refusal.unknown_point", (("point", command.point),))
    match command:
        case PointUp(point):
            return () if point in state.present else (PointJoined(point),)
        case PointDown(point, reason):
            return (PointLeft(point, reason),) if point in state.present else ()
        case Take(point):
            if point == state.on_air:
                return ()
            if point in state.observers:
                return Refusal("refusal.observer", (("point", point),))
            if point not in state.present:
                return Refusal("refusal.point_absent", (("point", point),))
            return (Taken(point, state.on_air),)


def apply(state: State, event: Event) -> State:
    """Return the state after ``event``."""
    match event:
        case PointJoined(point):
            return replace(state, present=state.present | {point})
        case PointLeft(point, _):
            # The point keeps its place on air: it gets its seat back when it returns.
            return replace(state, present=state.present - {point})
        case Taken(point, previous):
            return replace(state, on_air=point, previous=previous)
