"""Events of the agenda: its items, and what was decided."""

from __future__ import annotations

from bridge.conference.model import Item
from bridge.conference.stream_events import Struct


class AgendaSet(Struct, frozen=True, kw_only=True, tag="agenda"):
    """The agenda is this from now on."""

    items: tuple[Item, ...]


class ItemBegun(Struct, frozen=True, kw_only=True, tag="item_begun"):
    """An item of the agenda begins, and the one before is over. It says what the item was."""

    number: int
    title: str
    point: str | None = None
    minutes: int | None = None


class ItemOver(Struct, frozen=True, kw_only=True, tag="item_over"):
    """The time of the running item is over; it goes on until another begins."""

    number: int


class DecisionNoted(Struct, frozen=True, kw_only=True, tag="decision_noted"):
    """Somebody wrote down what was decided. ``number`` is the decision's own for the whole
    conference; ``item`` the number of the matter it belongs to, called ``title`` then (None: it
    belongs to none). Who wrote it is the event's actor."""

    number: int
    text: str
    item: int | None = None
    title: str = ""


class DecisionEdited(Struct, frozen=True, kw_only=True, tag="decision_edited"):
    """A decision reads ``text`` from now on."""

    number: int
    text: str


class DecisionWithdrawn(Struct, frozen=True, kw_only=True, tag="decision_withdrawn"):
    """A decision stands no longer. ``text`` is what it was."""

    number: int
    text: str


AgendaEvent = AgendaSet | ItemBegun | ItemOver | DecisionNoted | DecisionEdited | DecisionWithdrawn
