"""Events of persons, and what they make of a conference's list. They name nobody: a person is an
id, and what it is called stands beside the log."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from bridge.conference.attendance import Person
from bridge.conference.stream_events import Struct


class PersonsListed(Struct, frozen=True, kw_only=True, tag="persons_listed"):
    """Persons came on the list, or are on it otherwise than before; by id."""

    persons: dict[str, Person]


class PersonsUnlisted(Struct, frozen=True, kw_only=True, tag="persons_unlisted"):
    """Persons left the list."""

    persons: tuple[str, ...]


class AttendanceNoted(Struct, frozen=True, kw_only=True, tag="attendance"):
    """Persons were ticked as present, or the tick was taken back."""

    persons: tuple[str, ...]
    present: bool


class RegistrationSet(Struct, frozen=True, kw_only=True, tag="registration"):
    """Delegates may register with telephones, or no longer. ``number`` is the registration's: codes
    are good for theirs only."""

    open: bool
    number: int


class PersonsForgotten(Struct, frozen=True, kw_only=True, tag="persons_forgotten"):
    """What the persons of an ended conference are called was removed (in the stream "persons").
    ``days`` is the rule that asked for it; 0: somebody did."""

    of: str
    persons: int
    days: int = 0


PersonEvent = PersonsListed | PersonsUnlisted | AttendanceNoted | RegistrationSet | PersonsForgotten


def persons_after(persons: Mapping[str, Person], event: PersonEvent) -> dict[str, Person]:
    """The list after an event. Who was ticked stays so when the rest of the entry changes."""
    after = dict(persons)
    match event:
        case PersonsListed():
            for ident, listed in event.persons.items():
                before = after.get(ident)
                after[ident] = replace(listed, present=before is not None and before.present)
        case PersonsUnlisted():
            for ident in event.persons:
                after.pop(ident, None)
        case AttendanceNoted():
            for ident in event.persons:
                if ident in after:
                    after[ident] = replace(after[ident], present=event.present)
        case RegistrationSet() | PersonsForgotten():
            pass
    return after
