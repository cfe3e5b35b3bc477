"""Decides a batch of commands on a copy of the conferences, before anything is committed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import state_machine
from bridge.conference.apply import apply
from bridge.conference.model import Actor, Booking, Refusal, State


class Done(NamedTuple):
    """A command was carried out: its events, none where it changed nothing; ``seq`` is the number
    of the conference's last event."""

    conference: str
    seq: int
    events: tuple[e.Recorded, ...]


Result = Done | Refusal
Admit = Callable[[Mapping[str, State], State | None, State], Refusal | None]
"""Why a conference may not become what it would; its links may be full
(`bridge.control.link_promises`). Pure."""


def admit_all(running: Mapping[str, State], before: State | None, after: State) -> Refusal | None:
    """Refuse nothing."""
    return None


class Draft:
    """A copy of the conferences on which commands are decided one after another: ``states`` after
    them, ``recorded`` the events that lead there."""

    def __init__(self, states: Mapping[str, State], admit: Admit = admit_all) -> None:
        self.states = dict(states)
        self._admit = admit
        self.recorded: list[e.Recorded] = []

    def decide(
        self, conference: str, command: c.Command | Booking, actor: Actor, now: float
    ) -> Result:
        """Decide one command; a `Booking` opens a conference. ``now`` is UTC seconds."""
        state = self.states.get(conference)
        events: tuple[e.Event, ...]
        if isinstance(command, Booking):
            refusal = self._open_refusal(command)
            if refusal is not None:
                return refusal
            events, reason = (e.Opened(booking=command),), "open"
        elif state is None:
            if not conference:
                return Done("", 0, ())  # a nudge to save what is unsaved
            return Refusal(key="refusal.unknown_conference", arguments={"id": conference})
        else:
            outcome = state_machine.decide(state, command, actor, now)
            if isinstance(outcome, Refusal):
                return outcome
            events, reason = outcome, c.name_of(command)
        before, fresh = state, list[e.Recorded]()
        for event in events:
            recorded = e.Recorded(
                conference=conference,
                seq=1 if state is None else state.seq + 1,
                at=round(now, 6),
                actor=actor.label,
                reason=reason,
                event=event,
            )
            state = apply(state, recorded)
            fresh.append(recorded)
        if state is not None and fresh:
            busy = self._busy(state, before)
            if busy is not None:
                return busy
            refused = self._admit(self.states, before, state)
            if refused is not None:
                return refused
            self.states[conference] = state
            self.recorded += fresh
        return Done(conference, state.seq if state else 0, tuple(fresh))

    def _open_refusal(self, booking: Booking) -> Refusal | None:
        if booking.id in self.states:
            return Refusal(key="refusal.id_taken", arguments={"id": booking.id})
        return self._taken(booking.id, booking.points)

    def _busy(self, after: State, before: State | None) -> Refusal | None:
        """Why a conference that runs may not get another point: it is in another one."""
        if before is None or after.seats.keys() <= before.seats.keys():
            return None
        return self._taken(after.booking.id, after.seats.keys() - before.seats.keys())

    def _taken(self, conference: str, points: Iterable[str]) -> Refusal | None:
        for state in self.states.values():
            for point in points:
                other = state.booking.id != conference and state.phase != "ended"
                if other and point in state.seats:
                    arguments = {"point": point, "title": state.booking.title.vi}
                    return Refusal(key="refusal.point_busy", arguments=arguments)
        return None
