"""What the pages of citizens' desks and officers are told of calls."""

from __future__ import annotations

from typing import Literal

import msgspec

from bridge.conference.desk_call import DeskCall

Desk = Literal["", "citizen", "officer"]
"""What kind of desk a page is; "" is a room's page, or a console."""
OfficerState = Literal["free", "busy", "away", "offline"]
"""Free: can be rung. Away: the officer has said so. Offline: the page is not open."""


class OfficerView(msgspec.Struct, frozen=True, kw_only=True):
    """An officer's page, and whether it can be rung."""

    point: str
    state: OfficerState


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A desk call as both sides see it. ``ring_seconds`` is how long each officer is rung;
    ``next_free`` who can be rung instead of the one who did not answer."""

    call: DeskCall
    desk: str
    ring_seconds: int
    next_free: str | None = None
