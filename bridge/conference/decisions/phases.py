"""Decisions about the conference as a whole: start, extend, end, lock, who directs."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions import recording, votes
from bridge.conference.decisions.outcome import Outcome, end_floor, no
from bridge.conference.model import Actor, Refusal, State


def start(state: State, _: c.Start, actor: Actor, now: float) -> Outcome:
    automatic = state.booking.rules.recording == "automatic" and state.recording != "on"
    recorded = recording.begin(state) if automatic else ()
    return (*end_floor(state, now), e.Started(), *recorded)


def extend(state: State, command: c.Extend, actor: Actor, now: float) -> Outcome:
    return (e.Extended(end=max(state.end or now, now) + command.minutes * 60),)


def end(state: State, _: c.End, actor: Actor, now: float) -> Outcome:
    voted = votes.end(state, actor)
    if isinstance(voted, Refusal):
        return voted
    return ended(state, now, voted)


def ended(state: State, now: float, voted: tuple[e.Event, ...] = ()) -> tuple[e.Event, ...]:
    """The end of whatever still runs, after what becomes of votes (``voted``), and of it all."""
    stop = (e.ContentStopped(sharer=state.content),) if state.content else ()
    return (*end_floor(state, now), *stop, *recording.end(state), *voted, e.Ended())


def lock(state: State, command: c.Lock, actor: Actor, now: float) -> Outcome:
    return () if state.closed == command.locked else (e.Locked(locked=command.locked),)


def direct(state: State, command: c.Direct, actor: Actor, now: float) -> Outcome:
    if state.director == actor.name:
        return ()
    if state.director is not None and not command.take_over:
        return no("refusal.confirm_take_over", user=state.director)
    return (e.DirectorSet(user=actor.name, before=state.director),)
