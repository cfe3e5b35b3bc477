"""Other bridges as points: what is known of one beside its seat, and who is there. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_MEMBERS = 500  # points of another bridge: as many as a topology may have
MAX_MEMBER_NAME = 100  # characters

FloorThere = Literal["none", "queued", "given"]
"""What became of our request in the other bridge's conference."""


class PeerSeat(msgspec.Struct, frozen=True, kw_only=True):
    """Another bridge in a conference. ``picture`` is the point whose camera it is sent as the
    programme (None: what every point is sent); ``asked`` is who asked for the floor there through
    the direction here (a point, "" for all of us, None: nobody does), ``floor`` what became of it;
    ``asking`` is for whom it asks for the floor here. ``present`` of ``members`` points are in
    its conference."""

    picture: str | None = None
    asked: str | None = None
    floor: FloorThere = "none"
    asking: str = ""
    members: int = 0
    present: int = 0


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A point of another bridge, as that one names it."""

    id: str
    vi: str
    en: str
    present: bool
