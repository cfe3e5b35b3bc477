"""What consoles are told of a point's line beside its figures."""

from __future__ import annotations

import msgspec


class MarkView(msgspec.Struct, frozen=True, kw_only=True):
    """DSCP of a probed class: what was sent, what arrived at the point, what came back."""

    sent: int
    down: int | None
    up: int | None
