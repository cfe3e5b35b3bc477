"""Keys that are pressed at a codec, as telephone events in RTP (RFC 4733) or as INFO, and what they
mean. Pure."""

from __future__ import annotations

import re
from typing import Literal

EVENTS = "0123456789*#ABCD"
Wish = Literal["floor", "mute"]
KEYS: dict[str, Wish] = {"1": "floor", "*1": "floor", "6": "mute", "*6": "mute"}
"""What keys mean; the same key once more takes it back. They are in the guides, too."""
PATIENCE = 3.0  # seconds from a star to the key after it


class Events:
    """Telephone events of one stream: each key once, although its packets are repeated."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, payload: bytes, timestamp: int) -> str:
        """The key that a packet begins; "" for none, or one that was told already."""
        if len(payload) < 4 or payload[0] >= len(EVENTS) or timestamp == self._last:
            return ""
        self._last = timestamp
        return EVENTS[payload[0]]


def key_of_info(content_type: str, text: str) -> str:
    """The key of an INFO: ``Signal=1`` (application/dtmf-relay) or the key alone
    (application/dtmf); "" for none."""
    if content_type == "application/dtmf-relay":
        found = re.search(r"(?im)^\s*Signal\s*=\s*(1[0-5]|[0-9*#A-D])\s*$", text)
    elif content_type == "application/dtmf":
        found = re.fullmatch(r"\s*(1[0-5]|[0-9*#A-Da-d])\s*", text)
    else:
        return ""
    if found is None:
        return ""
    signal = found[1].upper()
    return EVENTS[int(signal)] if len(signal) == 2 else signal


class Keypad:
    """Keys in a row and what they mean."""

    def __init__(self) -> None:
        self._star_at: float | None = None

    def press(self, key: str, now: float) -> Wish | None:
        """A key was pressed; ``now`` is monotonic seconds."""
        star = self._star_at is not None and now - self._star_at <= PATIENCE
        self._star_at = now if key == "*" else None
        return KEYS.get(("*" if star else "") + key)
