"""Decisions about points: joining, leaving, being dropped and recalled; facts about them."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, end_floor, no, stop_content
from bridge.conference.model import Actor, State


def accept(state: State, command: c.Accept, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.dropped or seat.connect == "none":
        return no("refusal.not_called")
    if state.closed and not seat.ever:
        return no("refusal.closed")
    if seat.accepted or seat.connect == "automatic":
        return ()
    return (e.Accepted(point=command.point),)


def drop(state: State, command: c.Drop, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if command.point == state.chair:
        return no("refusal.drop_chair")
    if seat.dropped:
        return ()
    events: tuple[e.Event, ...] = ()
    if state.floor is not None and state.floor.point == command.point:
        events += end_floor(state, now)
    if state.content == f"point:{command.point}":
        events += stop_content(state)
    if state.on_air == command.point:
        events += (e.Taken(point=state.chair, previous=state.on_air),)
    if any(r.point == command.point for r in state.queue):
        events += (e.FloorWithdrawn(point=command.point),)
    return (*events, e.Dropped(point=command.point, reason=command.reason))


def recall(state: State, command: c.Recall, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.called and not seat.dropped:
        return ()
    return (e.Recalled(point=command.point),)


def point_up(state: State, command: c.PointUp, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.present:
        return ()
    if not seat.called:
        return no("refusal.not_called")
    if state.closed and not seat.ever:
        return no("refusal.closed")
    return (e.PointJoined(point=command.point),)


def point_down(state: State, command: c.PointDown, actor: Actor, now: float) -> Outcome:
    if not state.seats[command.point].present:
        return ()
    return (e.PointLeft(point=command.point, reason=command.reason),)


def call_failed(state: State, command: c.CallFailed, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.present or seat.call_problem == command.reason:
        return ()
    return (e.CallProblem(point=command.point, reason=command.reason),)


def note_quality(state: State, command: c.NoteQuality, actor: Actor, now: float) -> Outcome:
    return (e.QualityNoted(point=command.point, up=command.up, down=command.down),)


def note_picture(state: State, command: c.NotePicture, actor: Actor, now: float) -> Outcome:
    return (e.PictureNoted(point=command.point, picture=command.picture),)
