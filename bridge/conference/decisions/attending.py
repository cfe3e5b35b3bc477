"""Decisions about persons: the list of delegates, who of them is there, and registration."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.conference import person_commands as c
from bridge.conference import person_events as e
from bridge.conference.attendance import MAX_PERSONS
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import Actor, State


def note(state: State, command: c.Attend, actor: Actor, now: float) -> Outcome:
    for ident in command.persons:
        if ident not in state.persons:
            return no("refusal.unknown_person", id=ident)
    changed = tuple(
        ident
        for ident in dict.fromkeys(command.persons)
        if state.persons[ident].present != command.present
    )
    return (e.AttendanceNoted(persons=changed, present=command.present),) if changed else ()


def registration(state: State, command: c.SetRegistration, actor: Actor, now: float) -> Outcome:
    if command.open == state.registration_open:
        return ()
    number = state.registrations + 1 if command.open else state.registrations
    return (e.RegistrationSet(open=command.open, number=number),)


def listed(state: State, command: c.ListPersons, actor: Actor, now: float) -> Outcome:
    new = {}
    for ident, person in command.persons.items():
        if person.point not in state.seats:
            return no("refusal.unknown_point", point=person.point)
        before = state.persons.get(ident)
        if before is None or replace(before, present=person.present) != person:
            new[ident] = person
    if len(state.persons.keys() | new.keys()) > MAX_PERSONS:
        return no("refusal.too_many_persons", most=str(MAX_PERSONS))
    return (e.PersonsListed(persons=new),) if new else ()


def unlisted(state: State, command: c.UnlistPersons, actor: Actor, now: float) -> Outcome:
    gone = tuple(ident for ident in dict.fromkeys(command.persons) if ident in state.persons)
    return (e.PersonsUnlisted(persons=gone),) if gone else ()
