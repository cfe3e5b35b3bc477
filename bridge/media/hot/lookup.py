"""Whose a datagram is, by address or username, and of which layer: searches of tables. Compiled."""

from __future__ import annotations

import sys

from bridge.media.hot.compiling import compiled
from bridge.media.hot.octets import Octets, load16, load32
from bridge.media.hot.world import (
    ADDRESS_PLACES,
    AF_INET,
    AF_INET6,
    EMPTY,
    STREAM_PLACES,
    USERNAME_PLACES,
    World,
    address_place_of,
    stream_place_of,
    username_place_of,
)

FAMILY_AT = 0 if sys.byteorder == "little" else 1  # the octet of sa_family that is not 0

stream_place = compiled(stream_place_of)
username_place = compiled(username_place_of)
address_place = compiled(address_place_of)


@compiled
def find_stream(w: World, key: int) -> int:
    """The row of the layer of ``transport << 32 | SSRC``; negative: there is none."""
    at = stream_place(key)
    for _ in range(STREAM_PLACES):
        place = w.streams[at]
        if place.value == EMPTY:
            break
        if place.key == key and place.value >= 0:
            return int(place.value)
        at = at + 1 & STREAM_PLACES - 1
    return EMPTY


@compiled
def find_address(w: World, high: int, low: int, tail: int) -> int:
    """The row of the transport whose address this is; negative: nobody's."""
    at = address_place(high, low, tail)
    for _ in range(ADDRESS_PLACES):
        place = w.addresses[at]
        if place.value == EMPTY:
            break
        if place.low == low and place.tail == tail and place.high == high and place.value >= 0:
            return int(place.value)
        at = at + 1 & ADDRESS_PLACES - 1
    return EMPTY


@compiled
def find_sender(w: World, name: Octets) -> int:
    """The row of the transport that a socket address belongs to, or a negative number."""
    port = load16(name, 2)
    if name[FAMILY_AT] == AF_INET:
        return find_address(w, 0, load32(name, 4), port | AF_INET << 48)
    if name[FAMILY_AT] == AF_INET6 and load32(name, 4) == 0:
        # sin6_scope_id is in the machine's order, which only has to be the same each time.
        scope = load32(name, 24)
        high = _signed(load32(name, 8), load32(name, 12))
        low = _signed(load32(name, 16), load32(name, 20))
        return find_address(w, high, low, port | scope << 16 | AF_INET6 << 48)
    return EMPTY


@compiled
def _signed(high: int, low: int) -> int:
    """64 bits as a signed integer."""
    return (high - 0x100000000 if high & 0x80000000 else high) * 0x100000000 + low


@compiled
def find_username(w: World, first: int, second: int) -> int:
    """The row of the transport that is called so; negative: none is."""
    at = username_place(first, second)
    for _ in range(USERNAME_PLACES):
        place = w.usernames[at]
        if place.value == EMPTY:
            break
        if place.first == first and place.second == second and place.value >= 0:
            return int(place.value)
        at = at + 1 & USERNAME_PLACES - 1
    return EMPTY
