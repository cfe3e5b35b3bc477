"""Commands about the agenda: its items, and what is decided on them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.model import (
    MAX_DECISION,
    MAX_ITEMS,
    PLAIN_PATTERN,
    ItemMinutes,
    Line,
    Point,
    Struct,
)

Number = Annotated[int, msgspec.Meta(ge=1)]
DecisionText = Annotated[str, msgspec.Meta(max_length=MAX_DECISION, pattern=PLAIN_PATTERN)]


class NextItem(Struct, frozen=True, kw_only=True, tag="next_item"):
    """Begin an item of the agenda, without ``number`` the next one: who speaks to it gets the
    floor, and its clock starts."""

    number: Number | None = None


class AddItem(Struct, frozen=True, kw_only=True, tag="add_item"):
    """Put an item at the end of the agenda."""

    title: Line
    point: Point | None = None
    minutes: ItemMinutes | None = None


class AgendaEntry(Struct, frozen=True, kw_only=True):
    """An item as it is to be; ``number`` 0: a new one."""

    number: Annotated[int, msgspec.Meta(ge=0)] = 0
    title: Line
    point: Point | None = None
    minutes: ItemMinutes | None = None


class SetAgenda(Struct, frozen=True, kw_only=True, tag="agenda"):
    """The whole agenda as it is to be, in its order; the running item has to stay in it."""

    items: Annotated[tuple[AgendaEntry, ...], msgspec.Meta(max_length=MAX_ITEMS)] = ()


class NoteDecision(Struct, frozen=True, kw_only=True, tag="note_decision"):
    """Write down what was decided: on the item that is dealt with, or on the one named (0: on
    none)."""

    text: DecisionText
    item: Annotated[int, msgspec.Meta(ge=0)] | None = None


class EditDecision(Struct, frozen=True, kw_only=True, tag="edit_decision"):
    """Give a decision another wording."""

    decision: Number
    text: DecisionText


class WithdrawDecision(Struct, frozen=True, kw_only=True, tag="withdraw_decision"):
    """Take a decision back; the log keeps that it was there."""

    decision: Number


AgendaAsked = NextItem | AddItem | SetAgenda | NoteDecision | EditDecision | WithdrawDecision
