"""Decisions about desk calls: ringing, answering, declining, handing over, hanging up."""

from __future__ import annotations

from bridge.conference import desk_call_commands as c
from bridge.conference import desk_call_events as d
from bridge.conference import events as e
from bridge.conference.decisions import phases
from bridge.conference.decisions.outcome import Outcome, no, stop_content
from bridge.conference.desk_call import (
    ALONE_SECONDS,
    CHOOSE_SECONDS,
    CallOutcome,
    DeskCall,
    DeskRules,
)
from bridge.conference.model import Actor, State

SLACK = 0.001  # seconds; a clock that is read twice may differ by so much


def _of(state: State) -> tuple[DeskCall, DeskRules]:
    """The call; the table of what is legal lets no command of a call into anything else."""
    assert state.call is not None
    assert state.booking.desk is not None
    return state.call, state.booking.desk


def ring(state: State, command: c.RingOfficer, actor: Actor, now: float) -> Outcome:
    call, rules = _of(state)
    if command.point != rules.desk:
        return no("refusal.not_allowed")
    if call.officer is not None:
        return no("refusal.call_answered")
    return _rung(state, command.officer)


def hand_over(state: State, command: c.HandOver, actor: Actor, now: float) -> Outcome:
    call, _ = _of(state)
    if call.officer is None or command.point != call.officer:
        return no("refusal.not_your_call")
    return _rung(state, command.officer)


def _rung(state: State, officer: str) -> Outcome:
    call, rules = _of(state)
    if call.ringing == officer:
        return ()
    if call.ringing is not None:
        return no("refusal.rings_already")
    if officer not in rules.officers or officer in (rules.desk, call.officer):
        return no("refusal.unknown_officer", officer=officer)
    return (d.OfficerRung(officer=officer),)


def answer(state: State, command: c.AnswerCall, actor: Actor, now: float) -> Outcome:
    call, _ = _of(state)
    if call.officer == command.point:
        return ()
    if call.ringing != command.point:
        return no("refusal.not_your_call")
    answered = d.OfficerAnswered(officer=command.point, before=call.officer)
    accepted = e.Accepted(point=command.point)
    if call.officer is None:
        return (answered, accepted, e.Started())
    stopped = stop_content(state) if state.content == f"point:{call.officer}" else ()
    return (*stopped, answered, accepted)


def decline(state: State, command: c.DeclineCall, actor: Actor, now: float) -> Outcome:
    call, _ = _of(state)
    if call.ringing != command.point:
        return no("refusal.not_your_call")
    return (d.OfficerUnreached(officer=command.point, why="declined"),)


def hang_up(state: State, command: c.HangUp, actor: Actor, now: float) -> Outcome:
    call, rules = _of(state)
    if command.point not in (rules.desk, call.officer):
        return no("refusal.not_your_call")
    return over(state, now)


def over(state: State, now: float, outcome: CallOutcome | None = None) -> tuple[e.Event, ...]:
    """The end of a call, as it stands or with an outcome of its own."""
    ended = phases.ended(state, now)
    return (d.DeskCallEnded(outcome=outcome or _outcome(state)), *ended)


def _outcome(state: State) -> CallOutcome:
    call, _ = _of(state)
    if call.officer is not None:
        return "talked"
    if call.ringing is not None or call.why is None:
        return "cancelled"
    return "declined" if call.why == "declined" else "unanswered"


def tick(state: State, now: float) -> Outcome:
    """What time alone changes of a call."""
    call, rules = _of(state)
    if call.alone_since is not None and now >= call.alone_since + ALONE_SECONDS - SLACK:
        return over(state, now, "lost")
    if call.ringing is not None:
        if now >= call.rung_at + rules.ring_seconds - SLACK:
            return (d.OfficerUnreached(officer=call.ringing, why="no_answer"),)
    elif call.officer is None and now >= call.missed_at + CHOOSE_SECONDS - SLACK:
        return over(state, now)
    return ()
