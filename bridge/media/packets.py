"""Packets that wait to be forwarded: one as the ring keeps it, and a layer's batch of a turn."""

from __future__ import annotations

from typing import NamedTuple

from bridge.media import vp8

# (packet index, head, RTP timestamp, payload). The index extends the sequence number by the
# number of its wraps; the first packet of a layer has 65536 + SEQ. ``head`` has the packet's
# P and M bits where the header's first 32 bits have them.
Packet = tuple[int, int, int, bytes]

# What a slot sends: (head, index, RTP timestamp, payload), as it goes out.
Outgoing = tuple[int, int, int, bytes]


class Batch(NamedTuple):
    """What a layer forwards in one turn: its pending packets, their lowest index and octets.
    ``munged`` caches rewritten copies by what was changed."""

    packets: list[Packet]
    first_index: int
    octets: int
    munged: dict[vp8.Munge, list[Packet]]
