"""Test packets of STAMP (RFC 8762) with session id and class of service (RFC 8972), and of
TWAMP-Light (RFC 5357 appendix I). Pure: octets in, values out, and back.

Both ends of a probe use it: the sender at the bridge and the reflector of the endpoint agent.
Times are nanoseconds since 1970 (UTC); see `monitoring.probing.timestamps`.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitoring.probing.timestamps import (
    ErrorEstimate,
    decode_error,
    from_ntp,
    from_ptp,
    to_ntp,
    to_ptp,
)

PORT = 862  # RFC 8762 section 4.1
UNAUTHENTICATED = 44  # octets of either packet (RFC 8762 sections 4.2.1, 4.3.1)
AUTHENTICATED = 112  # sections 4.2.2, 4.3.2
TWAMP_SENDER = 14  # RFC 5357 section 4.1.2: without padding
TWAMP_REPLY = 41  # RFC 5357 section 4.2.1
SIGNED = 96  # octets under the HMAC (RFC 8762 section 4.4)
HMAC_LENGTH = 16
BLOCK = 64  # octets of a block of SHA-256
MAX_SIZE = 1472  # octets that fit an Ethernet frame with IPv4

TLV_PADDING = 1  # RFC 8972 section 4.1
TLV_CLASS_OF_SERVICE = 4  # section 4.4
TLV_HMAC = 8  # section 4.8
TLV_ONE_WAY_PADDING = 252  # private use (section 5.1): padding that is not sent back
FLAG_UNRECOGNISED, FLAG_MALFORMED, FLAG_INTEGRITY = 0x80, 0x40, 0x20

_SENDER = struct.Struct(">IQHH28x")
_SENDER_AUTH = struct.Struct(">I12xQHH68x")
_REPLY = struct.Struct(">IQHHQIQHHB")  # TWAMP's; STAMP's has three octets of zero more
_REPLY_AUTH = struct.Struct(">I12xQHH4xQ8xI12xQH6xB15x")
_SHORT = struct.Struct(">IQH")
_TLV = struct.Struct(">BBH")
_MASK = 0xFFFF_FFFF


class BadPacket(Exception):
    """Not a test packet that can be used; the text is the reason's name, for counters."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a session's packets look. ``size`` is the whole UDP payload in octets, 0 for the
    smallest; ``key`` switches to authenticated mode; ``twamp`` leaves everything out that
    TWAMP-Light does not know."""

    key: bytes | None = None
    size: int = 0
    ptp: bool = False
    twamp: bool = False

    def __post_init__(self) -> None:
        if self.twamp and self.key:
            raise ValueError("TWAMP-Light is probed unauthenticated")
        if not 0 <= self.size <= MAX_SIZE:
            raise ValueError(f"a packet has at most {MAX_SIZE} octets")

    def stamp(self, ns: int) -> int:
        return to_ptp(ns) if self.ptp else to_ntp(ns)


class Reply(NamedTuple):
    """A reflected packet. ``received`` and ``sent`` are the reflector's times; ``dscp`` is what
    arrived there, None where it does not say."""

    seq: int
    sent: int
    error: ErrorEstimate
    ssid: int
    received: int
    sender_seq: int
    sender_stamp: int
    ttl: int
    dscp: int | None
    dscp_refused: bool


class Tlv(NamedTuple):
    """An extension of a test packet: type, length and value (RFC 8972 section 4)."""

    flags: int
    kind: int
    value: bytes


def tlv(kind: int, value: bytes, flags: int = FLAG_UNRECOGNISED) -> bytes:
    """A TLV as a sender writes it: U is set, the reflector clears it (RFC 8972 section 4)."""
    return _TLV.pack(flags, kind, len(value)) + value


def class_of_service(dscp: int) -> bytes:
    """Ask for ``dscp`` on the way back (RFC 8972 section 4.4)."""
    return struct.pack(">I", dscp << 26)


@functools.lru_cache(maxsize=1024)
def _pads(key: bytes) -> tuple[Any, Any]:
    """SHA-256 after the inner and the outer pad of a key (RFC 2104 section 2). Kept, because a
    probe signs and checks four times a round trip with the same key."""
    if len(key) > BLOCK:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(BLOCK, b"\0")
    return (
        hashlib.sha256(bytes(octet ^ 0x36 for octet in padded)),
        hashlib.sha256(bytes(octet ^ 0x5C for octet in padded)),
    )


def sign(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256, truncated to 128 bits (RFC 8762 section 4.4)."""
    inner, outer = _pads(key)
    first = inner.copy()
    first.update(data)
    second = outer.copy()
    second.update(first.digest())
    digest: bytes = second.digest()
    return digest[:HMAC_LENGTH]


def encode_sender(
    style: Style,
    *,
    seq: int,
    stamp: int,
    error: ErrorEstimate,
    ssid: int,
    dscp: int,
    one_way: bool = False,
) -> bytes:
    """A sender's packet. ``stamp`` is in the style's format; ``one_way`` padding is left out
    of the reply by our own reflectors."""
    seq &= _MASK
    if style.twamp:
        short = _SHORT.pack(seq, stamp, error.encode())
        return short.ljust(max(style.size, TWAMP_REPLY), b"\0")
    if style.key is None:
        base = _SENDER.pack(seq, stamp, error.encode(), ssid)
    else:
        signed = _SENDER_AUTH.pack(seq, stamp, error.encode(), ssid)
        base = signed + sign(style.key, signed)
    tail = tlv(TLV_CLASS_OF_SERVICE, class_of_service(dscp))
    seal = _TLV.size + HMAC_LENGTH if style.key is not None else 0
    room = style.size - len(base) - len(tail) - seal - _TLV.size
    if room >= 0:
        tail += tlv(TLV_ONE_WAY_PADDING if one_way else TLV_PADDING, bytes(room))
    if style.key is not None:
        tail += tlv(TLV_HMAC, sign(style.key, base[:4] + tail))
    return base + tail


def decode_reply(data: bytes, style: Style, near: int) -> Reply:
    """Raises `BadPacket`. ``near`` (ns) tells the era of the timestamps."""
    if style.key is None:
        if len(data) < TWAMP_REPLY:
            raise BadPacket("short")
        seq, sent, error, ssid, received, s_seq, s_stamp, _, _, ttl = _REPLY.unpack_from(data)
        base = TWAMP_REPLY if style.twamp else UNAUTHENTICATED
    else:
        if len(data) < AUTHENTICATED:
            raise BadPacket("short")
        if not hmac.compare_digest(sign(style.key, data[:SIGNED]), data[SIGNED:AUTHENTICATED]):
            raise BadPacket("hmac")
        seq, sent, error, ssid, received, s_seq, s_stamp, _, ttl = _REPLY_AUTH.unpack_from(data)
        base = AUTHENTICATED
    dscp: int | None = None
    refused = False
    if not style.twamp and len(data) > base:
        tlvs, sealed = read_tlvs(data, base)
        if style.key is not None and not sealed_by(style.key, data, base, tlvs, sealed):
            raise BadPacket("hmac")
        for item in tlvs:
            known = not item.flags & (FLAG_UNRECOGNISED | FLAG_MALFORMED | FLAG_INTEGRITY)
            if item.kind == TLV_CLASS_OF_SERVICE and len(item.value) == 4 and known:
                word = int.from_bytes(item.value, "big")
                dscp = word >> 20 & 0x3F
                refused = bool(word >> 16 & 3)
    estimate = decode_error(error)
    read = from_ptp if estimate.ptp else from_ntp
    return Reply(
        seq,
        read(sent, near),
        estimate,
        ssid,
        read(received, near),
        s_seq,
        s_stamp,
        ttl,
        dscp,
        refused,
    )


def read_tlvs(data: bytes, start: int) -> tuple[list[Tlv], int]:
    """TLVs from an offset on, and where the HMAC TLV starts (-1: there is none). One whose
    length does not fit gets the M flag and is the last (RFC 8972 section 4)."""
    found: list[Tlv] = []
    sealed = -1
    at = start
    while len(data) - at >= _TLV.size:
        flags, kind, length = _TLV.unpack_from(data, at)
        if at + _TLV.size + length > len(data):
            found.append(Tlv(flags | FLAG_MALFORMED, kind, data[at + _TLV.size :]))
            break
        if kind == TLV_HMAC and sealed < 0:
            sealed = at
        found.append(Tlv(flags, kind, data[at + _TLV.size : at + _TLV.size + length]))
        at += _TLV.size + length
    return found, sealed


def sealed_by(key: bytes, data: bytes, base: int, tlvs: list[Tlv], sealed: int) -> bool:
    """Whether the TLVs carry their own HMAC: over the sequence number and all TLVs before it
    (RFC 8972 section 4.8)."""
    if sealed < 0:
        return False
    value = next(item.value for item in tlvs if item.kind == TLV_HMAC)
    return hmac.compare_digest(sign(key, data[:4] + data[base:sealed]), value)


class Request(NamedTuple):
    """A sender's packet, as the reflector reads it."""

    seq: int
    stamp: int
    error: int
    ssid: int
    ptp: bool
    base: int
    tlvs: list[Tlv]
    dscp: int | None  # asked for on the way back


def decode_request(data: bytes, key: bytes | None) -> Request:
    """Raises `BadPacket`: short, hmac. With a key only authenticated packets are taken."""
    if key is not None:
        if len(data) < AUTHENTICATED:
            raise BadPacket("short")
        if not hmac.compare_digest(sign(key, data[:SIGNED]), data[SIGNED:AUTHENTICATED]):
            raise BadPacket("hmac")
        seq, stamp, error, ssid = _SENDER_AUTH.unpack_from(data)
        base = AUTHENTICATED
    else:
        if len(data) < TWAMP_REPLY:  # a reply would be larger than its request
            raise BadPacket("short")
        seq, stamp, error = _SHORT.unpack_from(data)
        base = UNAUTHENTICATED
        ssid = int.from_bytes(data[TWAMP_SENDER : TWAMP_SENDER + 2], "big")
    tlvs: list[Tlv] = []
    # TWAMP-Light pads with zeros or noise where STAMP has MBZ and TLVs; a first TLV without
    # the U flag is none.
    if len(data) - base >= _TLV.size and data[base] & FLAG_UNRECOGNISED:
        tlvs, sealed = read_tlvs(data, base)
        if key is not None and not sealed_by(key, data, base, tlvs, sealed):
            tlvs = [item._replace(flags=item.flags | FLAG_INTEGRITY) for item in tlvs]
    asked: int | None = None
    for item in tlvs:
        if (
            item.kind == TLV_CLASS_OF_SERVICE
            and len(item.value) == 4
            and not item.flags & (FLAG_MALFORMED | FLAG_INTEGRITY)
        ):
            asked = int.from_bytes(item.value, "big") >> 26
    return Request(seq, stamp, error, ssid, bool(error >> 14 & 1), base, tlvs, asked)


def encode_reply(
    request: Request,
    data: bytes,
    key: bytes | None,
    *,
    seq: int,
    received: int,
    sent: int,
    error: ErrorEstimate,
    ttl: int,
    dscp: int,
    ecn: int,
    refused: bool,
) -> bytes:
    """The reflection of ``data``: never longer than it. ``received`` and ``sent`` in ns;
    timestamps come in the sender's format (RFC 8762 section 4.3)."""
    write = to_ptp if request.ptp else to_ntp
    estimate = ErrorEstimate(error.synchronised, request.ptp, error.seconds).encode()
    seq &= _MASK
    if key is None:
        head = _REPLY.pack(
            seq,
            write(sent),
            estimate,
            request.ssid,
            write(received),
            request.seq,
            request.stamp,
            request.error,
            0,
            ttl,
        )
        if not request.tlvs:  # all padding: as long as the request
            return head.ljust(len(data), b"\0")
        base = head.ljust(UNAUTHENTICATED, b"\0")
    else:
        signed = _REPLY_AUTH.pack(
            seq,
            write(sent),
            estimate,
            request.ssid,
            write(received),
            request.seq,
            request.stamp,
            request.error,
            ttl,
        )
        base = signed + sign(key, signed)
    tail = b""
    for item in request.tlvs:
        match item.kind:
            case _ if item.flags & FLAG_MALFORMED:
                tail += _TLV.pack(item.flags, item.kind, len(item.value)) + item.value
            case k if k == TLV_CLASS_OF_SERVICE and len(item.value) == 4:
                asked = int.from_bytes(item.value, "big") >> 26
                word = asked << 26 | dscp << 20 | ecn << 18 | (1 if refused else 0) << 16
                tail += tlv(item.kind, struct.pack(">I", word), item.flags & ~FLAG_UNRECOGNISED)
            case k if k == TLV_PADDING:
                tail += tlv(item.kind, item.value, item.flags & ~FLAG_UNRECOGNISED)
            case k if k in (TLV_ONE_WAY_PADDING, TLV_HMAC):
                pass
            case _:
                tail += tlv(item.kind, item.value, item.flags | FLAG_UNRECOGNISED)
    if key is not None and any(item.kind == TLV_HMAC for item in request.tlvs):
        tail += tlv(TLV_HMAC, sign(key, base[:4] + tail), 0)
    return base + tail
