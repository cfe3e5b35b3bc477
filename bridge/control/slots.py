"""Names of the slots in which a session receives pictures and voices. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bridge.conference.plan import PROGRAMME, slot_names
from bridge.control.sessions import Session
from bridge.media import messages as m
from config.schema import Topology


class Slots(NamedTuple):
    """Names of slots, in the order in which receiving lines of an offer are mapped to them."""

    video: tuple[str, ...]
    audio: tuple[str, ...]


def slots_of(session: Session, topology: Topology) -> Slots:
    """The slots of a session: a self-test sees and hears itself only."""
    if session.kind == "echo":
        return Slots((PROGRAMME,), ("audio:0",))
    media = topology.media
    most = media.console_thumbnails if session.point is None else media.thumbnails
    own = topology.point(session.point) if session.point is not None else None
    if own is not None and own.desk is not None:
        most = 0  # a call is of two, and the other one is the programme
    elif own is not None and topology.peer_of(own.id) is not None:
        most = 0  # another bridge has the programme, and sends it on
    others = sum(1 for point in topology.points if point.desk is None and point.id != session.point)
    return Slots(*slot_names(session.point, min(most, others), media.audio_slots))


def pictures(slots: Sequence[m.SlotSpec | m.SlotState]) -> tuple[str, ...]:
    """The names of those slots of a transport that show pictures."""
    return tuple(slot.name for slot in slots if slot.kind == "video")
