"""Numbers in packets and header extensions, as `bridge.media.rtp` reads them; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.media.hot.compiling import compiled
from bridge.media.rtp import (
    EXTENSION_BIT,
    HEADER_SIZE,
    ONE_BYTE_PROFILE,
    TWO_BYTE_PROFILE,
    TWO_BYTE_PROFILE_MASK,
)

Octets = Any  # a one-dimensional array of uint8
int64: Any = np.int64  # of an octet: numba makes a float of a sum of signed and unsigned numbers


@compiled
def load16(data: Octets, at: int) -> int:
    return int64(data[at]) << 8 | int64(data[at + 1])


@compiled
def load32(data: Octets, at: int) -> int:
    return load16(data, at) << 16 | load16(data, at + 2)


@compiled
def store32(data: Octets, at: int, value: int) -> None:
    data[at] = value >> 24 & 0xFF
    data[at + 1] = value >> 16 & 0xFF
    data[at + 2] = value >> 8 & 0xFF
    data[at + 3] = value & 0xFF


@compiled
def header_size(data: Octets, size: int) -> int:
    """`bridge.media.rtp.header_size` of ``size`` octets, at least 12, of version 2."""
    offset = HEADER_SIZE + 4 * (int64(data[0]) & 0x0F)
    if data[0] & EXTENSION_BIT:
        if size < offset + 4:
            return -1
        offset += 4 + 4 * load16(data, offset + 2)
    return offset if offset <= size else -1


@compiled
def find_extension(data: Octets, wanted: int) -> tuple[int, int]:
    """`bridge.media.rtp.find_extension` of a packet whose header size was found."""
    if not data[0] & EXTENSION_BIT or not wanted:
        return 0, 0
    at = HEADER_SIZE + 4 * (int64(data[0]) & 0x0F)
    profile = load16(data, at)
    end = at + 4 + 4 * load16(data, at + 2)
    at += 4
    if profile == ONE_BYTE_PROFILE:
        while at < end:
            octet = int64(data[at])
            if octet == 0:  # padding between elements
                at += 1
                continue
            length = (octet & 0x0F) + 1
            if octet >> 4 == 15 or at + 1 + length > end:  # 15 stops, RFC 8285 section 4.2
                break
            if octet >> 4 == wanted:
                return at + 1, length
            at += 1 + length
    elif profile & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE:
        while at + 1 < end:
            ident = int64(data[at])
            if ident == 0:
                at += 1
                continue
            length = int64(data[at + 1])
            if at + 2 + length > end:
                break
            if ident == wanted:
                return at + 2, length
            at += 2 + length
    return 0, 0
