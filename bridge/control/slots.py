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
    media = topology.media
    most = media.console_thumbnails if session.point is None else media.thumbnails
    others = sum(1 for point in topology.points if point.id != session.point)
    return Slots(*slot_names(session.point, min(most, others), media.audio_slots))
