"""The chain over a log: the hash of every event covers its line and the hash before. Pure.

The line of an event is its canonical encoding, **event line 1**: the JSON object (RFC 8259, UTF-8,
no spaces, no line break) of ``conference``, ``seq``, ``at``, ``actor``, ``reason`` and ``event`` in
this order, with ``event`` as the octets that were stored. The hash of event n is SHA-256, in
hexadecimal, over the hash of event n - 1, a line feed, the line of event n and a line feed; before
the first event stand 64 zeros. So a log is checked with nothing but `sha256sum`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

ENCODING = "event line 1"
GENESIS = "0" * 64
"""What stands for the hash before the first event."""

_encoder = msgspec.json.Encoder()


class _Line(msgspec.Struct, frozen=True):
    conference: str
    seq: int
    at: float
    actor: str
    reason: str
    event: msgspec.Raw


class Link(NamedTuple):
    """An event as it is stored: its number in its conference, its line, and the hash beside it
    ("": there is none)."""

    seq: int
    line: bytes
    hash: str


class Walked(NamedTuple):
    """What a walk along a chain found: how many links held, the hash of the last of them, and what
    is wrong with the next one ("": nothing)."""

    events: int
    head: str
    fault: Literal["", "number", "hash"] = ""


BEGIN = Walked(0, GENESIS)


def line(conference: str, seq: int, at: float, actor: str, reason: str, body: str) -> bytes:
    """The line of an event; ``at`` is UTC seconds, ``body`` the JSON of what happened."""
    raw = msgspec.Raw(body.encode())
    return _encoder.encode(_Line(conference, seq, float(at), actor, reason, raw))


def link(previous: str, encoded: bytes) -> str:
    """The hash of an event after the one with the hash ``previous``."""
    return hashlib.sha256(b"%b\n%b\n" % (previous.encode(), encoded)).hexdigest()


def walk(links: Iterable[Link], begun: Walked = BEGIN) -> Walked:
    """Follow a chain from its first event, or on from where an earlier walk came to, until it ends
    or breaks: at a number that is not the next one, or at a hash that is another one."""
    events, head = begun.events, begun.head
    for seq, encoded, stored in links:
        if seq != events + 1:
            return Walked(events, head, "number")
        computed = link(head, encoded)
        if computed != stored:
            return Walked(events, head, "hash")
        events, head = seq, computed
    return Walked(events, head)


def seq_of(encoded: bytes) -> int:
    """The number that a line says. Raises ValueError where it is not the line of an event."""
    try:
        return msgspec.json.decode(encoded, type=_Line).seq
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError("this is not the line of an event") from None
