"""Measures the bit rate of a layer and of its temporal layers: from its ring, now and then, so that
taking a packet in costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.media import vp8

if TYPE_CHECKING:  # whose meter it is
    from bridge.media.layer import Layer

WIRE = 64  # octets around a payload on the line: IP, UDP, RTP with extension, tag
MARKER = 0x80 << 16
RISES, FALLS = 0.6, 0.25  # weight of a reading
COUNTS = 0.25  # the same of the frames in it: of ten a second they are four or six in half a second
SETTLED = 2.0  # seconds after which what was measured is what the layer is
FORGOTTEN = 3.0  # seconds without a frame of it after which a temporal layer is no more


class Meter:
    """Rates of one video layer. ``bitrates`` and ``frame_rates`` are cumulative: those at index t
    are of temporal layers 0 … t, with all headers; without temporal layers there is one entry. Key
    frames are left out of the bitrates: pacing spreads them, and a request would look like a layer
    that has become dear."""

    __slots__ = ("_at", "_index", "_key", "_seen", "_since", "bitrates", "frame_rates", "temporal")

    def __init__(self) -> None:
        self._at = 0.0
        self._index = 0
        self._key = -1  # timestamp of the last key frame
        self._since = 0.0
        self._seen = [-1e9, -1e9, -1e9, -1e9]
        self.bitrates = [0.0]
        self.frame_rates = [0.0]
        self.temporal = False

    @property
    def bitrate(self) -> float:
        """bit/s of everything."""
        return self.bitrates[-1]

    @property
    def frame_rate(self) -> float:
        """Frames per second of everything."""
        return self.frame_rates[-1]

    def settled(self, now: float) -> bool:
        """Whether the layer has sent for long enough to be known, and does so still."""
        return bool(self._at) and now - self._since > SETTLED > now - self._at

    def read(self, layer: Layer, now: float) -> None:
        """Count what came in since the last call."""
        elapsed = now - self._at
        if elapsed <= 0 or not layer.highest or layer.highest == self._index:
            return
        first = max(self._index + 1, layer.highest - layer.mask)
        octets = [0, 0, 0, 0]
        frames = [0, 0, 0, 0]
        tid = 0
        is_vp8 = layer.codec == "vp8"
        key = self._key
        for index in range(first, layer.highest + 1):
            packet = layer.find(index)
            if packet is None:
                continue
            if is_vp8:
                tid = vp8.temporal(packet[3]).layer
                if tid >= 0:
                    self._seen[tid] = now
                else:
                    tid = 0
            if layer.is_key_frame_start(packet[3]):
                key = packet[2]
            if packet[2] != key:
                octets[tid] += len(packet[3]) + WIRE
            if packet[1] & MARKER:
                frames[tid] += 1
        self._index = layer.highest
        self._key = key
        first_reading = self._at == 0.0 or elapsed > SETTLED
        self._at = now
        if first_reading:
            self._since = now
            return
        top = max((t for t in range(4) if now - self._seen[t] < FORGOTTEN), default=0)
        self.temporal = top > 0
        if len(self.bitrates) != top + 1:
            self.bitrates = (self.bitrates + [self.bitrates[-1]] * 4)[: top + 1]
            self.frame_rates = (self.frame_rates + [self.frame_rates[-1]] * 4)[: top + 1]
        sum_octets = sum_frames = 0
        for t in range(4):
            sum_octets += octets[t]
            sum_frames += frames[t]
            if t <= top:
                bits = (sum_octets if t < top else sum(octets)) * 8 / elapsed
                rate = self.bitrates[t]
                self.bitrates[t] += (bits - rate) * (RISES if bits > rate else FALLS)
                seen = (sum_frames if t < top else sum(frames)) / elapsed
                self.frame_rates[t] += (seen - self.frame_rates[t]) * COUNTS
