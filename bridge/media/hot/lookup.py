"""Who sent a datagram, and which layer it is of: searches of the world's tables. Compiled."""

from __future__ import annotations

from bridge.media.hot.compiling import compiled
from bridge.media.hot.world import (
    ADDRESS_PLACES,
    EMPTY,
    STREAM_PLACES,
    World,
    address_place_of,
    stream_place_of,
)

stream_place = compiled(stream_place_of)
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
