"""RTP packets (RFC 3550), header extensions (RFC 8285) and sequence arithmetic."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
HEADER_SIZE = 12
EXTENSION_HEADER = struct.Struct("!HH")

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE_MASK = 0xFFF0
TWO_BYTE_PROFILE = 0x1000

EXTENSION_BIT = 0x10
PADDING_BIT = 0x20
MARKER_BIT = 0x80

URI_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
URI_RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
URI_REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
URI_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
URI_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
URI_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


class ExtensionIds(NamedTuple):
    """Negotiated header-extension ids of one transport; 0 means not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    audio_level: int = 0
    transport_cc: int = 0
    abs_send_time: int = 0


def header_size(packet: bytes) -> int:
    """Octets of fixed header, CSRCs and extension; -1 where it is malformed (RFC 3550 5.1).

    ``packet`` has at least `HEADER_SIZE` octets.
    """
    first = packet[0]
    if first & 0xC0 != 0x80:
        return -1
    offset = HEADER_SIZE + 4 * (first & 0x0F)
    size = len(packet)
    if first & EXTENSION_BIT:
        if size < offset + 4:
            return -1
        offset += 4 + 4 * ((packet[offset + 2] << 8) | packet[offset + 3])
    return offset if offset <= size else -1


def payload_offset(packet: bytes) -> int:
    """Return where the payload of a packet in the clear starts, or -1 where header or
    padding is malformed."""
    if len(packet) < HEADER_SIZE:
        return -1
    offset = header_size(packet)
    if offset >= 0 and packet[0] & PADDING_BIT and not 0 < packet[-1] <= len(packet) - offset:
        return -1
    return offset


def payload(packet: bytes) -> bytes | None:
    """The payload of a packet in the clear, without padding; None where `payload_offset` is -1."""
    offset = payload_offset(packet)
    if offset < 0:
        return None
    return packet[offset : len(packet) - (packet[-1] if packet[0] & PADDING_BIT else 0)]


def find_extension(packet: bytes, wanted: int) -> tuple[int, int]:
    """Return (offset, length) of the element with id ``wanted``; (0, 0) where it is absent.

    ``packet`` must have passed `payload_offset`. Both forms of RFC 8285 are read; elements
    that run over the block's end count as absent.
    """
    if not packet[0] & EXTENSION_BIT or not wanted:
        return 0, 0
    pos = HEADER_SIZE + 4 * (packet[0] & 0x0F)
    profile = (packet[pos] << 8) | packet[pos + 1]
    end = pos + 4 + 4 * ((packet[pos + 2] << 8) | packet[pos + 3])
    pos += 4
    if profile == ONE_BYTE_PROFILE:
        while pos < end:
            byte = packet[pos]
            if byte == 0:  # padding between elements
                pos += 1
                continue
            ident = byte >> 4
            length = (byte & 0x0F) + 1
            if ident == 15 or pos + 1 + length > end:  # 15 stops processing, section 4.2
                break
            if ident == wanted:
                return pos + 1, length
            pos += 1 + length
    elif profile & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE:
        while pos + 1 < end:
            ident = packet[pos]
            if ident == 0:
                pos += 1
                continue
            length = packet[pos + 1]
            if pos + 2 + length > end:
                break
            if ident == wanted:
                return pos + 2, length
            pos += 2 + length
    return 0, 0


def extension_text(packet: bytes, wanted: int) -> str:
    """Return an SDES element (mid, rid) as text, or an empty string."""
    pos, length = find_extension(packet, wanted)
    if not length:
        return ""
    return packet[pos : pos + length].decode("ascii", "replace")


def unwrap(value: int, reference: int, bits: int = 16) -> int:
    """Extend a wrapping ``value`` to the integer nearest to the extended ``reference``."""
    size = 1 << bits
    delta = (value - reference) & (size - 1)
    if delta >= size >> 1:
        delta -= size
    return reference + delta


def build(
    *,
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
    extensions: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """Build a packet with one-byte header extensions (id 1–14, 1–16 bytes each)."""
    first = 0x80
    block = b""
    if extensions:
        first |= EXTENSION_BIT
        for ident, value in extensions:
            block += bytes([(ident << 4) | (len(value) - 1)]) + value
        block += bytes(-len(block) % 4)
        block = EXTENSION_HEADER.pack(ONE_BYTE_PROFILE, len(block) // 4) + block
    second = (MARKER_BIT if marker else 0) | payload_type
    head = HEADER.pack(first, second, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + block + payload
