"""What kind of datagram a first byte announces (RFC 7983, RFC 5761)."""

from __future__ import annotations

MAX_DATAGRAM = 1500  # octets; nothing legitimate is larger than an Ethernet payload

UNKNOWN, STUN, DTLS, RTP, RTCP = range(5)

# One table look-up a datagram: index is the first byte.
FIRST_BYTE = bytes(
    STUN if byte <= 3 else DTLS if 20 <= byte <= 63 else RTP if 128 <= byte <= 191 else UNKNOWN
    for byte in range(256)
)


def classify(datagram: bytes) -> int:
    """Return the class of a datagram; RTP and RTCP are told apart by RFC 5761 section 4."""
    if not datagram:
        return UNKNOWN
    kind = FIRST_BYTE[datagram[0]]
    if kind == RTP and len(datagram) > 1 and 192 <= datagram[1] <= 223:
        return RTCP
    return kind
