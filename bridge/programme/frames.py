"""Pictures out of RTP packets, as they were encoded: VP8 (RFC 7741) and H.264 (RFC 6184). Pure.

Packets may come late, because the worker has lost ones sent again. A hole that is not filled in
time costs the frames up to the next key frame: what depends on a lost frame is no picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bridge.media import h264, rtp, vp8

WAIT = 0.4  # seconds that a missing packet may take to come
MAX_WAITING = 2048  # packets that wait behind a hole; some 2 MB
ANNEX_B = b"\0\0\0\1"


class Frame(NamedTuple):
    """An encoded picture: RTP timestamp, whether a decoder can start with it, VP8 frame or H.264
    access unit with start codes, and when its last packet came (monotonic seconds)."""

    timestamp: int
    key: bool
    data: bytes
    arrived: float


class Waiting(NamedTuple):
    """A packet that came: timestamp, marker bit, payload, monotonic seconds."""

    timestamp: int
    marker: bool
    payload: bytes
    arrived: float


class Frames:
    """The frames of one stream. ``key_frame_needed`` tells that the sender has to be asked."""

    def __init__(self, codec: str) -> None:
        """``codec`` is "vp8" or "h264"."""
        self._is_key = h264.is_key_frame_start if codec == "h264" else vp8.is_key_frame_start
        self._assemble: Callable[[list[bytes]], bytes] = (
            access_unit if codec == "h264" else vp8_frame
        )
        self._waiting: dict[int, Waiting] = {}
        self._next = 0  # index of the packet that comes next; 0: none has come
        self._top = 0
        self._frame: list[Waiting] = []
        self.key_frame_needed = True
        self.frames = 0
        self.lost = 0  # packets that did not come

    def need_key_frame(self) -> None:
        """Give no more frames before one that can be entered."""
        self.key_frame_needed = True

    def push(self, packet: bytes, now: float) -> list[Frame]:
        """Take a packet in; return the frames that it completes."""
        payload = rtp.payload(packet)
        if payload is None:
            return []
        sequence_number = packet[2] << 8 | packet[3]
        index = rtp.unwrap(sequence_number, self._top) if self._top else 0x10000 + sequence_number
        if not self._next:
            self._next = index
        if index < self._next or index in self._waiting:
            return []
        self._top = max(self._top, index)
        timestamp = int.from_bytes(packet[4:8], "big")
        marker = bool(packet[1] & 0x80)
        self._waiting[index] = Waiting(timestamp, marker, payload, now)
        return self.pull(now)

    def pull(self, now: float) -> list[Frame]:
        """The frames that are complete by now."""
        found: list[Frame] = []
        while self._waiting:
            packet = self._waiting.pop(self._next, None)
            if packet is not None:
                self._next += 1
                self._take(packet, found)
                continue
            oldest = min(waiting.arrived for waiting in self._waiting.values())
            if now - oldest < WAIT and len(self._waiting) < MAX_WAITING:
                break
            after = min(self._waiting)
            self.lost += after - self._next
            self._next = after
            self._frame.clear()
            self.key_frame_needed = True
        return found

    def _take(self, packet: Waiting, found: list[Frame]) -> None:
        if self._frame and self._frame[0].timestamp != packet.timestamp:
            self._end(found)  # its last packet had no marker
        if packet.payload:
            self._frame.append(packet)
        if packet.marker:
            self._end(found)

    def _end(self, found: list[Frame]) -> None:
        packets, self._frame = self._frame, []
        if not packets:
            return
        payloads = [packet.payload for packet in packets]
        key = any(map(self._is_key, payloads))
        if self.key_frame_needed and not key:
            return
        data = self._assemble(payloads)
        if not data:
            self.key_frame_needed = True
            return
        self.key_frame_needed = False
        self.frames += 1
        found.append(Frame(packets[0].timestamp, key, data, packets[-1].arrived))


def vp8_frame(payloads: list[bytes]) -> bytes:
    """The frame of its packets; empty where it does not begin with its first one."""
    first = payloads[0]
    if first[0] & 0x1F != 0x10:  # S and partition 0
        return b""
    return b"".join(payload[vp8.header_offset(payload) :] for payload in payloads)


def access_unit(payloads: list[bytes]) -> bytes:
    """The NAL units of its packets with start codes; empty where one of them is incomplete."""
    units: list[bytes] = []
    part: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == h264.NAL_FU_A:
            if len(payload) < 2 or bool(payload[1] & 0x80) == bool(part):
                return b""  # begins anew in the middle, or goes on without a beginning
            if payload[1] & 0x80:
                part = [bytes([payload[0] & 0xE0 | payload[1] & 0x1F])]
            part.append(payload[2:])
            if payload[1] & 0x40:
                units.append(b"".join(part))
                part = []
        elif part:
            return b""
        elif kind == h264.NAL_STAP_A:
            units += _aggregated(payload)
        else:
            units.append(payload)
    return b"" if part else b"".join(ANNEX_B + unit for unit in units)


def _aggregated(payload: bytes) -> list[bytes]:
    units: list[bytes] = []
    position = 1
    while position + 2 < len(payload):
        size = payload[position] << 8 | payload[position + 1]
        units.append(payload[position + 2 : position + 2 + size])
        position += 2 + size
    return units


def parameter_sets(unit: bytes) -> bytes:
    """SPS and PPS of an access unit with start codes, as a decoder is given them beforehand."""
    found = [u for u in unit.split(ANNEX_B) if u and u[0] & 0x1F in (h264.NAL_SPS, h264.NAL_PPS)]
    return b"".join(ANNEX_B + u for u in found)
