"""Delegates: who sits in front of a point's camera, as a conference's log knows them, and what may
stand in a name. Pure.

The log is a chain that never changes, and names are removed some day: so it knows a person by an
id that says nothing, and by a seal. What the person is called is kept beside the log.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import msgspec

MAX_PERSONS = 500  # of a conference or template: what a list shows, and a state may carry
MAX_NAME, MAX_AGENCY, MAX_POSITION = 100, 160, 120  # characters
FORMULA = ("=", "+", "-", "@")  # what spreadsheets take for the beginning of a formula
MARKUP = frozenset("<>")
UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "So"})
"""General categories (Unicode 15, section 4.5) that no name has: controls, what turns the direction
of writing around or cannot be seen, what is not assigned, pictograms."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A delegate in a conference. ``weight`` are the votes where persons vote; ``seal`` is a hash
    over name, agency, position and a secret that is removed with them; ``present`` is what was
    ticked last."""

    point: str
    weight: int = 1
    seal: str = ""
    present: bool = False


class Details(NamedTuple):
    """What a person is called. Agency and position may be empty."""

    name: str
    agency: str = ""
    position: str = ""


class PersonError(Exception):
    """Why something does not do as a person: a key of the text catalogue and its arguments."""

    def __init__(self, key: str, **arguments: str) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments


def details(name: str, agency: str = "", position: str = "") -> Details:
    """Names as they are kept: composed (NFC), without spaces around. Raises `PersonError`."""
    kept = Details(
        _plain("name", name, MAX_NAME),
        _plain("agency", agency, MAX_AGENCY),
        _plain("position", position, MAX_POSITION),
    )
    if not any(unicodedata.category(letter).startswith("L") for letter in kept.name):
        raise PersonError("persons.no_name")
    return kept


def _plain(field: str, value: str, most: int) -> str:
    if len(value) > 4 * most:  # before it is worked on
        raise PersonError("persons.too_long", field=field, most=str(most))
    spaced = "".join(" " if letter in "\t\u00a0" else letter for letter in value)
    text = " ".join(part for part in unicodedata.normalize("NFC", spaced).split(" ") if part)
    if len(text) > most:
        raise PersonError("persons.too_long", field=field, most=str(most))
    if any(unicodedata.category(letter) in UNREADABLE for letter in text):
        raise PersonError("persons.unreadable", field=field)
    if MARKUP & set(text):
        raise PersonError("persons.markup", field=field)
    if text.startswith(FORMULA):
        raise PersonError("persons.formula", field=field)
    return text
