"""The newest key frame that a layer keeps, and all that followed: what a receiver who comes is
served at once, where that is there sooner than a new key frame.

Nothing is kept for it: it stands in the layer's ring, which also repairs losses. What is served is
whole (a picture that refers to a missing one cannot be decoded) and at most `SECONDS` old. A slot
sends it as a run of its own with fresh indices (`bridge.media.slot.Slot.catch_up`), its timestamps
pressed together: a receiver plays pictures out by the distance of their timestamps, and two seconds
of pictures at the rate of the camera would keep it two seconds behind for good.
"""

from __future__ import annotations

from bridge.media.layer import Layer
from bridge.media.meter import WIRE
from bridge.media.packets import Packet

PACKETS = 128  # of one run; each is rewritten and sealed in Python
OCTETS = 96_000  # of one run: 80 ms of a 10 Mbit/s line
SECONDS = 2.0  # from the key frame to the newest picture
QUIET = 0.25  # seconds since the newest packet after which a source is no longer trusted to go on
PRESSED = 64  # times: 2 s of pictures have 31 ms of timestamps, and 60 pictures a second differ
FRESH = 0.12  # seconds, beside a round trip, until a new key frame is there: a frame and its coding
UNKNOWN_LINE = 10_000_000  # bit/s of a receiver of which nothing is known


def kept(layer: Layer, now: float) -> list[Packet]:
    """Packets from the newest key frame to the newest packet, none missing; [] where that is not
    to be had within the bounds, or where packets wait for fan-out: nothing may be sent twice."""
    top = layer.highest
    if layer.pending or not top or layer.top_forwarded != top or now - layer.last_arrival > QUIET:
        return []
    found: list[Packet] = []
    octets = 0
    for index in range(top, top - PACKETS, -1):
        packet = layer.find(index)
        if packet is None:
            return []
        octets += len(packet[3])
        if octets > OCTETS:
            return []
        found.append(packet)
        if layer.is_key_frame_start(packet[3]):
            break
    else:
        return []
    found.reverse()
    span = SECONDS * layer.clock_rate
    began = found[0][2]
    behind = [(timestamp - began) & 0xFFFFFFFF for _, _, timestamp, _ in found]
    return found if behind == sorted(behind) and behind[-1] <= span else []


def ready_at(packets: list[Packet], line: float, busy_until: float, now: float) -> float:
    """When a line of ``line`` bit/s (0: unknown) that is busy until then has brought these."""
    octets = sum(len(payload) + WIRE for _, _, _, payload in packets)
    return max(now, busy_until) + octets * 8 / (line or UNKNOWN_LINE)


def new_at(packets: list[Packet], line: float, rtt: float, asks: float) -> float:
    """When a new key frame, as large as the kept one, would be there that the source is asked for
    at the time ``asks``; ``rtt`` to the source."""
    began = packets[0][2]
    key = [packet for packet in packets if packet[2] == began]
    return ready_at(key, line, asks + rtt + FRESH, asks)
