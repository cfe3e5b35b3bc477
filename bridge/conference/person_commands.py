"""Commands about persons: who is on the list, who is there, and whether delegates may register."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.attendance import MAX_PERSONS, Person
from bridge.conference.model import Struct

PersonId = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[0-9a-f]+(?!\n)$")]
PersonIds = Annotated[tuple[PersonId, ...], msgspec.Meta(max_length=MAX_PERSONS)]


class Attend(Struct, frozen=True, kw_only=True, tag="attend"):
    """Tick persons as present, or take the tick back."""

    persons: PersonIds
    present: bool = True


class SetRegistration(Struct, frozen=True, kw_only=True, tag="registration"):
    """Let delegates register with their telephones by the code on the rooms' screens, or no longer.
    Codes that were shown before a registration was closed admit nobody afterwards."""

    open: bool = True


class ListPersons(Struct, frozen=True, kw_only=True, tag="list_persons"):
    """Persons are on the list, or on it otherwise than before; by id. What they are ``present`` is
    not said here."""

    persons: dict[str, Person]


class UnlistPersons(Struct, frozen=True, kw_only=True, tag="unlist_persons"):
    """Persons are on the list no longer."""

    persons: tuple[str, ...]


PersonAsked = Attend | SetRegistration
PersonFact = ListPersons | UnlistPersons
