"""Names of the slots in which a session receives pictures and voices. Pure."""

from __future__ import annotations

from typing import NamedTuple

from bridge.conference.plan import PROGRAMME, slot_names
from bridge.control.sessions import Session
from config.schema import Topology


class Slots(NamedTuple):
    """Names of slots, in the order in which receiving lines of an offer are mapped to them."""

    video: tuple[str, ...]
    audio: tuple[str, ...]


def slots_of(session: Session, topology: Topology) -> Slots:
    """The slots of a session: a self-test sees and hears itself only."""
    if session.kind == "echo":
        return Slots((PROGRAMME,), ("audio:0",))
    points = tuple(point.id for point in topology.points)
    return Slots(*slot_names(points, session.point, topology.media.audio_slots))
