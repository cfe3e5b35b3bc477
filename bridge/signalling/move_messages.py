"""Messages about a page's change to another worker, or to another host's (docs/protocol.md)."""

from __future__ import annotations

from typing import Literal

import msgspec


class Move(msgspec.Struct, frozen=True, kw_only=True, tag="move"):
    """``build``: make another transport beside the present one, which plays on; ``leave``: close
    the former one, of which nobody is shown anything any more."""

    step: Literal["build", "leave"]


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved", forbid_unknown_fields=True):
    """The page plays the transport that it has made beside; it sends over both until ``leave``."""
