"""What a code on a room's screen says: whose delegates register where, and how long. Pure.

A code is signed (HMAC, RFC 2104) instead of kept, so that it outlives restarts; it is good for one
conference, one point and one registration, and ends with that or after some minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

LIFE = 1200  # seconds that a code is good: to scan it, and to type a name
FRESH = 600  # seconds that a screen shows the same one
MAC_OCTETS = 16
MARK = "~"  # in no id


class Code(NamedTuple):
    """Delegates of ``point`` may register for ``conference`` until ``until`` (UTC seconds), while
    registration ``number`` is open."""

    conference: str
    point: str
    number: int
    until: int


def written(code: Code, key: bytes) -> str:
    """A code as it stands in an address."""
    said = MARK.join((code.conference, code.point, str(code.number), str(code.until)))
    return f"{said}{MARK}{_mac(said, key)}"


def read(text: str, key: bytes) -> Code | None:
    """The code of an address; None: it is none of this bridge."""
    said, _, mac = text.rpartition(MARK)
    if not text.isascii() or not hmac.compare_digest(mac, _mac(said, key)):
        return None
    conference, point, number, until = said.split(MARK)
    return Code(conference, point, int(number), int(until))


def current(conference: str, point: str, number: int, now: float) -> Code:
    """The code that a screen shows at ``now`` (UTC seconds)."""
    begun = int(now) // FRESH * FRESH
    return Code(conference, point, number, begun + LIFE)


def _mac(said: str, key: bytes) -> str:
    mac = hmac.new(key, said.encode(), hashlib.sha256).digest()[:MAC_OCTETS]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
