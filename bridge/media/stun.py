"""STUN binding requests and responses (RFC 8489), as far as an ICE-lite agent needs them."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import struct
from typing import NamedTuple

MAGIC_COOKIE = 0x2112A442
HEADER = struct.Struct("!HHI12s")
HEADER_SIZE = 20
FINGERPRINT_XOR = 0x5354554E

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

ATTR_USERNAME = 0x0006
ATTR_MESSAGE_INTEGRITY = 0x0008
ATTR_XOR_MAPPED_ADDRESS = 0x0020
ATTR_PRIORITY = 0x0024
ATTR_USE_CANDIDATE = 0x0025
ATTR_FINGERPRINT = 0x8028
ATTR_ICE_CONTROLLED = 0x8029
ATTR_ICE_CONTROLLING = 0x802A
HOST_PRIORITY = 126 << 24 | 0xFFFF << 8 | 255  # RFC 8445 section 5.1.2

MAX_SIZE = 548  # bytes: what passes everywhere without fragments (RFC 8489 section 6.1)
MAX_PEEKED = 8  # attributes looked at for the USERNAME; every agent sends it first
MAX_USERNAME = 513  # bytes, RFC 8489 section 14.3
MAX_ATTRIBUTES = 32  # ICE sends under ten; bounds the work a stranger can cause

Address = tuple[str, int]


class Message(NamedTuple):
    """A parsed STUN message. ``integrity_at`` is the offset of MESSAGE-INTEGRITY, or -1."""

    method: int
    transaction: bytes
    username: bytes
    use_candidate: bool
    integrity_at: int
    integrity: bytes


def kind(data: bytes) -> int:
    """The message type, or -1 where length or cookie are not those of a STUN message."""
    if not HEADER_SIZE <= len(data) <= MAX_SIZE:
        return -1
    method, length, cookie, _ = HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or length % 4 or length != len(data) - HEADER_SIZE:
        return -1
    return int(method)


def peek_username(data: bytes) -> bytes:
    """The USERNAME of a message whose `kind` is right, before anything else is looked at; b"" for
    none among the first attributes."""
    pos = HEADER_SIZE
    end = len(data) - 4
    for _ in range(MAX_PEEKED):
        if pos > end:
            break
        size = data[pos + 2] << 8 | data[pos + 3]
        if data[pos + 1] == ATTR_USERNAME and not data[pos]:
            return data[pos + 4 : pos + 4 + size]
        pos += 4 + size + (-size % 4)
    return b""


def parse(data: bytes) -> Message | None:
    """Parse a message; None where the bytes are not well-formed STUN.

    Attributes after MESSAGE-INTEGRITY other than FINGERPRINT are ignored (RFC 8489 14.5).
    A FINGERPRINT that is present must be right.
    """
    if len(data) < HEADER_SIZE:
        return None
    method, length, cookie, transaction = HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or length % 4 or length != len(data) - HEADER_SIZE:
        return None
    pos = HEADER_SIZE
    username = b""
    use_candidate = False
    integrity_at = -1
    integrity = b""
    for _ in range(MAX_ATTRIBUTES):
        if pos == len(data):
            return Message(method, transaction, username, use_candidate, integrity_at, integrity)
        if pos + 4 > len(data):
            return None
        kind = (data[pos] << 8) | data[pos + 1]
        size = (data[pos + 2] << 8) | data[pos + 3]
        value = data[pos + 4 : pos + 4 + size]
        if len(value) != size:
            return None
        if kind == ATTR_FINGERPRINT:
            if size != 4 or int.from_bytes(value, "big") != fingerprint(data[:pos]):
                return None
        elif integrity_at < 0:
            if kind == ATTR_USERNAME:
                if size > MAX_USERNAME:
                    return None
                username = value
            elif kind == ATTR_USE_CANDIDATE:
                use_candidate = True
            elif kind == ATTR_MESSAGE_INTEGRITY:
                if size != 20:
                    return None
                integrity_at, integrity = pos, value
        pos += 4 + size + (-size % 4)
        if pos > len(data):
            return None
    return None


def fingerprint(data: bytes) -> int:
    """CRC-32 of everything before the attribute, with RFC 8489 14.7's XOR.

    The caller passes the bytes before the attribute; the length field must already count it.
    """
    return binascii.crc32(data) ^ FINGERPRINT_XOR


def integrity_of(data: bytes, integrity_at: int, password: bytes) -> bytes:
    """HMAC-SHA1 over the message up to the attribute, length adjusted (RFC 8489 14.5)."""
    length = integrity_at - HEADER_SIZE + 24
    head = data[:2] + length.to_bytes(2, "big") + data[4:integrity_at]
    return hmac.digest(password, head, "sha1")


def verify(data: bytes, message: Message, password: bytes) -> bool:
    """True where MESSAGE-INTEGRITY is present and right (compared in constant time)."""
    if message.integrity_at < 0:
        return False
    expected = integrity_of(data, message.integrity_at, password)
    return hmac.compare_digest(expected, message.integrity)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def xor_mapped_address(address: Address, transaction: bytes) -> bytes:
    """XOR-MAPPED-ADDRESS value (RFC 8489 14.2)."""
    ip = ipaddress.ip_address(address[0])
    port = address[1] ^ (MAGIC_COOKIE >> 16)
    mask = MAGIC_COOKIE.to_bytes(4, "big") + transaction
    family = 1 if ip.version == 4 else 2
    masked = bytes(a ^ b for a, b in zip(ip.packed, mask, strict=False))
    return struct.pack("!BBH", 0, family, port) + masked


def seal(method: int, transaction: bytes, attributes: bytes, password: bytes | None) -> bytes:
    """Build a message, with MESSAGE-INTEGRITY where a password is given, and FINGERPRINT."""
    body = attributes
    if password is not None:
        head = HEADER.pack(method, len(body) + 24, MAGIC_COOKIE, transaction)
        body += attribute(ATTR_MESSAGE_INTEGRITY, hmac.digest(password, head + body, "sha1"))
    head = HEADER.pack(method, len(body) + 8, MAGIC_COOKIE, transaction)
    crc = fingerprint(head + body)
    return head + body + attribute(ATTR_FINGERPRINT, crc.to_bytes(4, "big"))


def binding_success(transaction: bytes, mapped: Address, password: bytes) -> bytes:
    """The answer of an ICE-lite agent to a valid check (RFC 8445 section 7.3)."""
    value = xor_mapped_address(mapped, transaction)
    return seal(BINDING_SUCCESS, transaction, attribute(ATTR_XOR_MAPPED_ADDRESS, value), password)


def lite_request(transaction: bytes, *, username: bytes, password: bytes) -> bytes:
    """A check of an ICE-lite agent, always in the controlled role (RFC 8445 section 7.2.2)."""
    attributes = attribute(ATTR_USERNAME, username)
    attributes += attribute(ATTR_PRIORITY, HOST_PRIORITY.to_bytes(4, "big"))
    attributes += attribute(ATTR_ICE_CONTROLLED, bytes(8))
    return seal(BINDING_REQUEST, transaction, attributes, password)


def binding_request(
    transaction: bytes,
    *,
    username: str,
    password: bytes,
    priority: int = 1,
    use_candidate: bool = True,
    tie_breaker: int = 1,
) -> bytes:
    """A check as a controlling agent sends it; used by tests, benchmarks and probes."""
    attributes = attribute(ATTR_USERNAME, username.encode())
    attributes += attribute(ATTR_PRIORITY, priority.to_bytes(4, "big"))
    attributes += attribute(ATTR_ICE_CONTROLLING, tie_breaker.to_bytes(8, "big"))
    if use_candidate:
        attributes += attribute(ATTR_USE_CANDIDATE, b"")
    return seal(BINDING_REQUEST, transaction, attributes, password)
