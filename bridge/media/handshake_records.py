"""Records and messages of a DTLS handshake (RFC 6347 sections 4.1 and 4.2), and messages put
together from their fragments; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RECORD_HEADER = 13  # octets: type, version, epoch, sequence number, length
MESSAGE_HEADER = 12  # octets: type, length, number, fragment's offset and length
HANDSHAKE = 22  # type of a record

MAX_MESSAGE = 8192  # octets; a hello with a post-quantum key share has some 1,500
MAX_FRAGMENTS = 32  # of one message
MAX_MESSAGES = 4  # being put together: of hellos the first, the one with the cookie, strangers'


class Record(NamedTuple):
    """A DTLS record; ``raw`` is all of it with its header."""

    type: int
    epoch: int
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw[RECORD_HEADER:]


class Fragment(NamedTuple):
    """A handshake message or a part of it; ``number`` is its message_seq."""

    type: int
    length: int
    number: int
    offset: int
    body: bytes


def records(datagram: bytes) -> Iterator[Record]:
    """The records of a datagram; ends at what is cut off."""
    at = 0
    while at + RECORD_HEADER <= len(datagram):
        end = at + RECORD_HEADER + int.from_bytes(datagram[at + 11 : at + 13], "big")
        if end > len(datagram):
            return
        epoch = int.from_bytes(datagram[at + 3 : at + 5], "big")
        yield Record(datagram[at], epoch, datagram[at:end])
        at = end


def fragments(body: bytes) -> Iterator[Fragment]:
    """The handshake fragments in a record's body; ends at what is cut off or out of bounds."""
    at = 0
    while at + MESSAGE_HEADER <= len(body):
        length = int.from_bytes(body[at + 1 : at + 4], "big")
        number = int.from_bytes(body[at + 4 : at + 6], "big")
        offset = int.from_bytes(body[at + 6 : at + 9], "big")
        end = at + MESSAGE_HEADER + int.from_bytes(body[at + 9 : at + 12], "big")
        part = body[at + MESSAGE_HEADER : end]
        if end > len(body) or offset + len(part) > length:
            return
        yield Fragment(body[at], length, number, offset, part)
        at = end


class Assembly:
    """Handshake messages that are being put together.

    The newest fragment of a place wins and nothing is forgotten when a message is whole: a forged
    fragment spoils one attempt, and the peer's own repairs it. A message that came in one piece
    depends on no others.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int, int], dict[int, bytes]] = {}

    def add(self, fragment: Fragment) -> bytes | None:
        """The whole message with the header of an unfragmented one, once this completes it."""
        if fragment.length > MAX_MESSAGE:
            return None
        size = fragment.length.to_bytes(3, "big")
        number = fragment.number.to_bytes(2, "big")
        head = bytes((fragment.type,)) + size + number + bytes(3) + size
        if len(fragment.body) == fragment.length:
            return head + fragment.body
        key = (fragment.type, fragment.number, fragment.length)
        parts = self._parts.setdefault(key, {})
        if len(self._parts) > MAX_MESSAGES:
            del self._parts[next(iter(self._parts))]
        if len(parts) >= MAX_FRAGMENTS:
            parts.clear()
        parts[fragment.offset] = fragment.body
        message = bytearray(fragment.length)
        filled = 0
        for offset in sorted(parts):
            if offset > filled:
                return None
            message[offset : offset + len(parts[offset])] = parts[offset]
            filled = max(filled, offset + len(parts[offset]))
        return head + message if filled >= fragment.length else None
