"""When the worker's core has something to do by itself. Pure.

A worker that wakes a hundred times a second for nothing costs more than one that forwards a little:
so it sleeps until the next thing is due, and is woken earlier by what arrives.
"""

from __future__ import annotations

from bridge.media.core import MediaCore

PACED = 0.005  # seconds between two bursts of a probe, or of pictures that wait for their turn
SOON = 0.01  # seconds: repair, requests for key frames, retransmissions of a handshake


def pressing(core: MediaCore) -> bool:
    """Whether something came up that should not wait for what was due before: messages for the
    control process, a loss to be repaired, a key frame to be asked for."""
    return bool(core.events or core.repairing or core.pressing or core.router.key_frames)


def next_tick(core: MediaCore, now: float) -> float:
    """When to call `MediaCore.tick` next, at the latest; monotonic seconds."""
    if core.pressing:
        return now + PACED
    if pressing(core):
        return now + SOON
    due = core.next_level  # the rest waits for one of these
    if core.fed_back:
        due = min(due, core.next_feedback)
    for transport in core.transports.values():
        if transport.state == "connecting" or any(x.missing for x in transport.layers.values()):
            return now + SOON
    return max(now, due)
