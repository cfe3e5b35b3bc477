"""Opus packets (RFC 6716): how long a packet's sound lasts. Pure."""

from __future__ import annotations

CLOCK = 48_000  # Hz of RTP timestamps, whatever was sampled (RFC 7587 section 4.1)
MAX_DURATION = 5760  # samples: a packet holds at most 120 ms

# Samples of one frame by the two low bits of the configuration number, RFC 6716 table 2.
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)


def duration(packet: bytes) -> int:
    """Samples at `CLOCK` that a packet holds (RFC 6716 section 3.1); 0 where it holds none or is
    malformed."""
    if not packet:
        return 0
    configuration = packet[0] >> 3
    if configuration < 12:
        frame = _SILK[configuration & 3]
    elif configuration < 16:
        frame = _HYBRID[configuration & 1]
    else:
        frame = _CELT[configuration & 3]
    code = packet[0] & 3
    count = 1 if code == 0 else 2
    if code == 3:
        count = packet[1] & 0x3F if len(packet) > 1 else 0
    total = frame * count
    return total if total <= MAX_DURATION else 0
