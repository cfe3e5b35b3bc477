"""What was decided in a conference, collected from its log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from bridge.conference import events as e


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that stands: its last wording, the item it belongs to (None: none), when it was
    written down first (UTC seconds), and by whom."""

    number: int
    text: str
    item: int | None
    title: str
    at: float
    by: str


@dataclass(slots=True)
class Decided:
    """Decisions by number; those that were withdrawn are gone."""

    rows: dict[int, DecisionRow] = field(default_factory=dict)

    def take(self, recorded: e.Recorded) -> None:
        """Take an event into account; one of another kind changes nothing."""
        match recorded.event:
            case e.DecisionNoted() as noted:
                self.rows[noted.number] = DecisionRow(
                    number=noted.number,
                    text=noted.text,
                    item=noted.item,
                    title=noted.title,
                    at=recorded.at,
                    by=recorded.actor.partition(":")[2] or recorded.actor,
                )
            case e.DecisionEdited() as edited if edited.number in self.rows:
                before = self.rows[edited.number]
                self.rows[edited.number] = replace(before, text=edited.text)
            case e.DecisionWithdrawn() as withdrawn:
                self.rows.pop(withdrawn.number, None)
