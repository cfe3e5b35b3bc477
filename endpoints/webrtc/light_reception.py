"""Received RTP of a light peer: parts of pictures, and counts for receiver
reports. Pure: times are arguments, in monotonic seconds."""

from __future__ import annotations

import struct

_BLOCK = struct.Struct("!IIIIII")


def vp8_part(payload: bytes) -> tuple[bool, bytes]:
    """Whether a VP8 payload begins a frame, and its part of the frame (RFC 7741 section 4.2)."""
    if not payload:
        return False, b""
    start = payload[0] & 0x1F == 0x10  # S set, partition 0
    at = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags = payload[1]
        at = 2
        if flags & 0x80:
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return start, payload[at:]


class Reception:
    """Counts of one stream, for receiver reports (RFC 3550 section 6.4.1)."""

    def __init__(self, ssrc: int, clock: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self._clock = clock
        self._first = -1
        self._highest = 0  # extended by the number of wraps
        self._jitter = 0.0
        self._transit: float | None = None
        self._expected_before = self._received_before = 0
        self._report_at = 0.0  # of the sender's last report
        self._report = 0  # the middle of its NTP time

    def arrived(self, sequence: int, timestamp: int, now: float) -> int:
        """Count a packet; return by how much its sequence number is over the highest so far."""
        if self._first < 0:
            self._first = self._highest = sequence
            self.packets = 1
            return 1
        step = (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
        self._highest = max(self._highest, self._highest + step)
        self.packets += 1
        transit = now * self._clock - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit
        return step

    @property
    def lost(self) -> int:
        """Packets lost so far."""
        return max(0, self._highest - self._first + 1 - self.packets) if self.packets else 0

    def reported(self, middle: int, now: float) -> None:
        """The sender's report came, with this middle of its NTP time."""
        self._report, self._report_at = middle, now

    def block(self, now: float) -> bytes:
        """A report block since the one before."""
        expected = self._highest - self._first + 1
        since = expected - self._expected_before
        lost = max(0, since - (self.packets - self._received_before))
        self._expected_before, self._received_before = expected, self.packets
        fraction = min(255, lost * 256 // since) if since > 0 else 0
        delay = round((now - self._report_at) * 65536) if self._report else 0
        return _BLOCK.pack(
            self.ssrc,
            fraction << 24 | min(self.lost, 0x7FFFFF),
            self._highest & 0xFFFFFFFF,
            round(min(self._jitter, 0xFFFFFFFF)),
            self._report,
            delay & 0xFFFFFFFF,
        )
