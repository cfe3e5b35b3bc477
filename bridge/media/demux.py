"""What kind of datagram a first byte announces (RFC 7983, RFC 5761)."""

from __future__ import annotations

from enum import IntEnum

MAX_DATAGRAM = 1500  # bytes; nothing legitimate is larger than an Ethernet payload


class Kind(IntEnum):
    """Datagram classes."""

    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


# One table look-up a datagram: index is the first byte.
FIRST_BYTE: tuple[Kind, ...] = tuple(
    Kind.STUN
    if byte <= 3
    else Kind.DTLS
    if 20 <= byte <= 63
    else Kind.RTP
    if 128 <= byte <= 191
    else Kind.UNKNOWN
    for byte in range(256)
)


def classify(datagram: bytes) -> Kind:
    """Return the class of a datagram; RTP and RTCP are told apart by RFC 5761 section 4."""
    if not datagram:
        return Kind.UNKNOWN
    kind = FIRST_BYTE[datagram[0]]
    if kind is Kind.RTP and len(datagram) > 1 and 192 <= datagram[1] <= 223:
        return Kind.RTCP
    return kind
