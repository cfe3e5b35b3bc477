"""Decisions about the floor: requests, turns, speaking time, the roll call."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import (
    Outcome,
    cannot_send,
    end_floor,
    no,
    swaps,
    taken,
)
from bridge.conference.model import Actor, Refusal, RollCall, State

FLOOR_WARNINGS = (30, 0)  # seconds left of a turn when the room and the operator are warned


def request(state: State, command: c.RequestFloor, actor: Actor, now: float) -> Outcome:
    if command.point in state.booking.observers:
        return no("refusal.observer_floor", point=command.point)
    if not state.seats[command.point].present:
        return no("refusal.point_absent", point=command.point)
    if state.floor is not None and state.floor.point == command.point:
        return no("refusal.has_floor", point=command.point)
    if any(r.point == command.point for r in state.queue):
        return ()
    return (e.FloorRequested(point=command.point, number=state.requests + 1),)


def withdraw(state: State, command: c.WithdrawFloor, actor: Actor, now: float) -> Outcome:
    if not any(r.point == command.point for r in state.queue):
        return ()
    return (e.FloorWithdrawn(point=command.point),)


def _give(state: State, point: str, limit: int | None, now: float) -> Outcome:
    refused = cannot_send(state, point)
    if refused is not None:
        return refused
    if state.floor is not None and state.floor.point == point:
        return () if limit == state.floor.limit else (e.FloorLimited(limit=limit),)
    number = next((r.number for r in state.queue if r.point == point), 0)
    granted = e.FloorGranted(
        point=point,
        previous=state.on_air,
        number=number,
        limit=limit,
        swapped=swaps(state, point),
    )
    return (*end_floor(state, now), granted)


def grant(state: State, command: c.Grant, actor: Actor, now: float) -> Outcome:
    point = command.point
    if point is None:
        # The first that is there; a point that dropped keeps its place and its number.
        point = next((r.point for r in state.queue if state.seats[r.point].present), None)
    if point is None:
        return no("refusal.empty_queue")
    limit = command.seconds if command.seconds is not None else state.booking.rules.speaking_seconds
    outcome = _give(state, point, limit, now)
    if not isinstance(outcome, Refusal) and state.roll_call is not None and outcome:
        return (e.RollCallEnded(), *outcome)
    return outcome


def back_to_chair(state: State, _: c.Return, actor: Actor, now: float) -> Outcome:
    events: tuple[e.Event, ...] = end_floor(state, now)
    if state.roll_call is not None:
        events += (e.RollCallEnded(),)
    if state.on_air != state.chair:
        events += (taken(state, state.chair),)
    return events


def speaking_time(state: State, command: c.SpeakingTime, actor: Actor, now: float) -> Outcome:
    if state.floor is None:
        return no("refusal.no_floor")
    return () if state.floor.limit == command.seconds else (e.FloorLimited(limit=command.seconds),)


def roll_call(state: State, command: c.StartRollCall, actor: Actor, now: float) -> Outcome:
    points = command.points or tuple(
        p
        for p in state.points
        if state.seats[p].present and p != state.chair and p not in state.booking.observers
    )
    for point in points:
        if point in state.booking.observers:
            return no("refusal.observer", point=point)
    if not any(state.seats[p].present for p in points):
        return no("refusal.nobody_present")
    points = tuple(dict.fromkeys(points))
    begun = e.RollCallStarted(points=points, seconds=command.seconds)
    started = replace(state, roll_call=RollCall(waiting=points, seconds=command.seconds))
    return (begun, *turn(started, now))


def turn(state: State, now: float) -> tuple[e.Event, ...]:
    """The next turn of a running roll call, or its end."""
    assert state.roll_call is not None
    skipped: list[str] = []
    for point in state.roll_call.waiting:
        if state.seats[point].present:
            granted = e.FloorGranted(
                point=point,
                previous=state.on_air,
                limit=state.roll_call.seconds,
                swapped=swaps(state, point),
            )
            called = e.RollCallTurn(point=point, skipped=tuple(skipped))
            return (*end_floor(state, now), called, granted)
        skipped.append(point)
    events: tuple[e.Event, ...] = (*end_floor(state, now), e.RollCallEnded(skipped=tuple(skipped)))
    if state.on_air != state.chair:
        events += (taken(state, state.chair),)
    return events


def next_turn(state: State, _: c.Next, actor: Actor, now: float) -> Outcome:
    if state.roll_call is not None:
        return turn(state, now)
    return grant(state, c.Grant(), actor, now)


def stop_roll_call(state: State, _: c.StopRollCall, actor: Actor, now: float) -> Outcome:
    if state.roll_call is None:
        return no("refusal.no_roll_call")
    return back_to_chair(state, c.Return(), actor, now)


def next_warning(state: State) -> int | None:
    """Seconds left at which the running turn is warned next."""
    floor = state.floor
    if floor is None or floor.limit is None or floor.since is None:
        return None
    for left in FLOOR_WARNINGS:
        early = left < floor.limit / 2 or left == 0
        if early and (floor.warned is None or left < floor.warned):
            return left
    return None
