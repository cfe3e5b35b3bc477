"""Decisions about who may watch a conference without being in it."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome
from bridge.conference.model import Actor, State


def admit(state: State, command: c.SetAudience, actor: Actor, now: float) -> Outcome:
    return () if state.audience == command.admits else (e.AudienceSet(admits=command.admits),)


def renew_code(state: State, _: c.RenewCode, actor: Actor, now: float) -> Outcome:
    return (e.AudienceCodeRenewed(number=state.audience_code + 1),)


def note(state: State, command: c.NoteAudience, actor: Actor, now: float) -> Outcome:
    if command.viewers == state.viewers and command.peak <= sum(state.viewers.values()):
        return ()
    return (e.AudienceNoted(viewers=command.viewers, peak=command.peak),)
