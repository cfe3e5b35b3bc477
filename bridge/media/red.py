"""Redundant audio (RFC 2198): a packet that repeats earlier frames beside its own. Pure.

```
F=1 | payload type | timestamp offset (14 bits) | length (10 bits)    of every earlier frame
F=0 | payload type                                                    of the packet's own
earlier frames, oldest first, then the packet's own to the end
```

All blocks are Opus here: what is nested, unknown or does not add up makes the packet useless.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_OFFSET = 0x3FFF  # timestamp units: 341 ms of Opus
MAX_LENGTH = 0x3FF  # octets of one earlier frame
MAX_EARLIER = 9  # earlier frames in one packet; browsers send one or two, and nine at most
MAX_PAYLOAD = 1100  # octets of a payload that is built: below every MTU, with headers and tag

_FOLLOWS = 0x80
_HEADER = 4  # octets of an earlier frame's header; that of the packet's own frame has one


class Earlier(NamedTuple):
    """A repeated frame: how many timestamp units before the packet's own, and its octets."""

    offset: int
    frame: bytes


class Parsed(NamedTuple):
    """A packet taken apart; ``earlier`` as in the packet, oldest first where a sender is sane."""

    frame: bytes
    earlier: tuple[Earlier, ...]


def parse(payload: bytes, payload_type: int) -> Parsed | None:
    """Take a payload without RTP padding apart; None where it is malformed, holds another payload
    type than ``payload_type``, or more than `MAX_EARLIER` earlier frames."""
    sizes: list[tuple[int, int]] = []
    position = 0
    end = len(payload)
    while True:
        if position >= end:
            return None
        first = payload[position]
        if first & 0x7F != payload_type:
            return None
        if not first & _FOLLOWS:
            position += 1
            break
        if len(sizes) == MAX_EARLIER or position + _HEADER > end:
            return None
        word = int.from_bytes(payload[position + 1 : position + _HEADER], "big")
        sizes.append((word >> 10, word & MAX_LENGTH))
        position += _HEADER
    earlier = []
    for offset, length in sizes:
        if position + length > end:
            return None
        if offset and length:  # an empty frame repeats nothing
            earlier.append(Earlier(offset, payload[position : position + length]))
        position += length
    return Parsed(payload[position:], tuple(earlier)) if position < end else None


def build(payload_type: int, frame: bytes, earlier: Iterable[Earlier]) -> bytes:
    """Build a payload; ``earlier`` goes oldest first. What does not fit the header's fields or
    `MAX_PAYLOAD` is left out, the oldest first, never the packet's own frame."""
    room = MAX_PAYLOAD - 1 - len(frame)
    kept: list[Earlier] = []
    for block in reversed(tuple(earlier)):
        size = _HEADER + len(block.frame)
        if not 0 < block.offset <= MAX_OFFSET or not 0 < len(block.frame) <= MAX_LENGTH:
            continue
        if size > room:
            break
        room -= size
        kept.append(block)
    kept.reverse()
    parts = [
        ((_FOLLOWS | payload_type) << 24 | block.offset << 10 | len(block.frame)).to_bytes(
            _HEADER, "big"
        )
        for block in kept
    ]
    parts.append(bytes((payload_type,)))
    parts.extend(block.frame for block in kept)
    parts.append(frame)
    return b"".join(parts)
