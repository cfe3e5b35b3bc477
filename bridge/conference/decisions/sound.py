"""Decisions about microphones: muted by the operator, by the room itself, locked."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import Actor, State


def mute(state: State, command: c.Mute, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    locked = command.lock or seat.locked
    if not seat.microphone and seat.locked == locked:
        return ()
    return (e.MicrophonesSet(points=(command.point,), open=False, locked=locked),)


def unmute(state: State, command: c.Unmute, actor: Actor, now: float) -> Outcome:
    if command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    seat = state.seats[command.point]
    if seat.microphone and not seat.locked and not seat.self_muted:
        return ()
    return (e.MicrophonesSet(points=(command.point,), open=True, locked=False),)


def mute_all(state: State, command: c.MuteAll, actor: Actor, now: float) -> Outcome:
    kept: set[str] = set()
    if command.but == "chair":
        kept = {state.chair}
    elif command.but == "speaker":
        kept = {state.floor.point if state.floor is not None else state.on_air}
    points = tuple(
        point
        for point, seat in state.seats.items()
        if point not in kept and (seat.microphone or (command.lock and not seat.locked))
    )
    lock = True if command.lock else None
    return (e.MicrophonesSet(points=points, open=False, locked=lock),) if points else ()


def self_mute(state: State, command: c.SelfMute, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if command.muted:
        return () if seat.self_muted else (e.SelfMuted(point=command.point, muted=True),)
    if seat.locked:
        return no("refusal.locked_microphone")
    if command.point in state.booking.observers:
        return no("refusal.observer_floor", point=command.point)
    if seat.microphone:
        return (e.SelfMuted(point=command.point, muted=False),) if seat.self_muted else ()
    if state.booking.rules.floor != "free":
        return no("refusal.ask_for_floor")
    return (e.MicrophonesSet(points=(command.point,), open=True, locked=None),)
