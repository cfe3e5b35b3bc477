"""Decisions about recording. A conference whose rules forbid it is recorded for nobody."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import Actor, State


def record(state: State, _: c.Record, actor: Actor, now: float) -> Outcome:
    if state.booking.rules.recording == "forbidden":
        return no("refusal.recording_forbidden")
    if state.recording == "on":
        return ()
    return begin(state)


def begin(state: State) -> tuple[e.Event, ...]:
    """Recording begins, or goes on after a pause."""
    number = state.recordings + (state.recording == "off")
    return (e.RecordingSet(number=number, wish="on"),)


def pause(state: State, _: c.PauseRecording, actor: Actor, now: float) -> Outcome:
    if state.recording == "off":
        return no("refusal.not_recording")
    if state.recording == "paused":
        return ()
    return (e.RecordingSet(number=state.recordings, wish="paused"),)


def stop(state: State, _: c.StopRecording, actor: Actor, now: float) -> Outcome:
    return end(state)


def end(state: State, problem: str = "") -> tuple[e.Event, ...]:
    """Recording ends, where there is one."""
    if state.recording == "off":
        return ()
    return (e.RecordingSet(number=state.recordings, wish="off", problem=problem),)


def note(state: State, command: c.NoteRecording, actor: Actor, now: float) -> Outcome:
    ended = end(state, command.problem) if command.problem else ()
    if command.writing == state.recorded:
        return ended
    return (*ended, e.RecordingNoted(number=state.recordings, writing=command.writing))
