"""Outgoing packets of slots that the hot loop does not serve, because some packets are left out or
wait for their turn. Each is worked out completely (index, timestamp, numbers) before anything
else of the slot changes, and sealed when it leaves."""

from __future__ import annotations

from bridge.media.packets import Outgoing, Packet
from bridge.media.slot import Slot, less
from bridge.media.vp8 import munge


def departing(slot: Slot, packets: list[Packet]) -> list[Outgoing]:
    """Turn packets of the slot's layer into what the slot sends."""
    first = slot.first
    thin = slot.thin
    layer = slot.layer
    out: list[Outgoing] = []
    for index, head, timestamp, payload in packets:
        if index < first:
            continue
        change = slot.munge
        number = index + slot.offset
        if thin is not None:
            key_frame = layer is not None and layer.is_key_frame_start(payload)
            placed = thin.take(index, payload, key_frame=key_frame)
            if placed is None:
                continue
            number = placed.number
            if placed.empty:
                out.append((0, number, timestamp + slot.ts_offset, b""))
                continue
            change = less(change, placed.frames_less)
        if change is not None:
            payload = munge(payload, change)
        out.append((head, number, timestamp + slot.ts_offset, payload))
    return out
