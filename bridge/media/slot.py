"""One outbound RTP stream: a place at a receiver that shows one source after another.

Invariant, on which the safety of AES-GCM rests: **a slot never seals two packets with one
index.** Proof: the slot's life is a sequence of runs. In a run one layer feeds it, and the
index of a packet is the layer's index plus a constant, so it is as unique as the layer's
(`bridge.media.layer`: every index is accepted at most once, and fan-out sees each accepted
packet once: a slot switches before the turn's packets are gathered, never between, see
`MediaCore.flush`). A run only takes layer indices from its first one upwards, and the first one
maps to ``next_index`` of the run before, which lies above everything that run has sent. So
runs use disjoint intervals. The retransmission stream has an SSRC of its own and a counter.
`tests/media/test_slot.py` searches for a counter-example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bridge.media import vp8
from bridge.media.layer import Layer
from bridge.media.packets import Packet
from bridge.media.rtp import unwrap

if TYPE_CHECKING:  # the owner
    from bridge.media.transport import Transport

ONE_WORD_EXTENSION = 0xBEDE0001  # RFC 8285: one-byte form, one word
RUNS_KEPT = 2  # earlier runs whose packets can still be retransmitted
SR_KEPT = 4  # sender reports whose answers can be matched for a round trip


class Run(NamedTuple):
    """How one layer's packets were mapped: ``out = in + offset`` for indices first..last."""

    layer: Layer
    first: int
    last: int
    offset: int
    ts_offset: int
    munge: vp8.Munge | None


class Slot:
    """State of one slot. ``index`` numbers extend sequence numbers by their wraps."""

    __slots__ = (
        "clock_rate",
        "codec",
        "first",
        "key_frame_requests",
        "kind",
        "last_at",
        "last_numbers",
        "last_timestamp",
        "layer",
        "lost",
        "munge",
        "nacks",
        "name",
        "next_index",
        "nonce_base",
        "octets",
        "offset",
        "packets",
        "payload_type",
        "plain",
        "receiver_loss",
        "red",
        "red_payload_type",
        "rtx",
        "rtx_index",
        "rtx_nonce_base",
        "rtx_payload_type",
        "rtx_sent",
        "rtx_ssrc",
        "runs",
        "sr_sent",
        "ssrc",
        "target",
        "transport",
        "ts_offset",
        "wide_ssrc",
    )

    def __init__(
        self,
        *,
        transport: Transport,
        name: str,
        kind: str,
        codec: str,
        clock_rate: int,
        payload_type: int,
        rtx_payload_type: int,
        ssrc: int,
        rtx_ssrc: int,
        first_index: int,
        first_rtx_index: int,
        first_timestamp: int,
        red_payload_type: int = 0,
    ) -> None:
        self.transport = transport
        self.name = name
        self.kind = kind
        self.codec = codec
        self.clock_rate = clock_rate
        self.payload_type = payload_type  # of what is sent now
        self.plain = payload_type  # of the codec itself
        self.red_payload_type = red_payload_type  # of redundant audio; 0: not negotiated
        self.red = 0  # earlier frames that every packet repeats
        self.rtx_payload_type = rtx_payload_type
        self.ssrc = ssrc
        self.wide_ssrc = ssrc << 32 | ONE_WORD_EXTENSION  # as the hot loop packs it
        self.rtx_ssrc = rtx_ssrc
        self.nonce_base = 0
        self.rtx_nonce_base = 0
        # The layer shown, and the one whose key frame is awaited. (What is wanted: Router.)
        self.target: Layer | None = None
        self.layer: Layer | None = None
        # The present run.
        self.first = 0
        self.offset = 0
        self.ts_offset = 0
        self.munge: vp8.Munge | None = None
        self.runs: list[Run] = []
        self.next_index = first_index
        self.rtx_index = first_rtx_index
        self.last_timestamp = first_timestamp
        self.last_at = 0.0  # 0: nothing was sent yet
        self.last_numbers: vp8.Numbers | None = None
        self.rtx_sent: dict[int, float] = {}
        self.packets = 0
        self.octets = 0
        self.sr_sent: dict[int, float] = {}  # middle 32 bits of NTP → when it was sent
        # What the receiver reports and asks for.
        self.receiver_loss = 0.0
        self.lost = 0
        self.nacks = 0
        self.rtx = 0
        self.key_frame_requests = 0

    def key(self, salt: int) -> None:
        """Note the session salt of a fresh association."""
        self.nonce_base = salt ^ (self.ssrc << 48)
        self.rtx_nonce_base = salt ^ (self.rtx_ssrc << 48)

    def repeat(self, earlier: int) -> None:
        """Send redundant audio with so many ``earlier`` frames from now on, or none (0)."""
        self.red = earlier if self.red_payload_type else 0
        self.payload_type = self.red_payload_type if self.red else self.plain

    def attach(self, layer: Layer, packet: Packet, now: float) -> None:
        """Start a run: ``packet`` becomes the next one of this slot, the clock goes on."""
        self.detach()
        index, _, timestamp, payload = packet
        elapsed = max(1, round((now - self.last_at) * self.clock_rate)) if self.last_at else 0
        self.munge = None
        if self.codec == "vp8" and self.last_numbers is not None:
            self.munge = vp8.continue_from(self.last_numbers, vp8.numbers(payload))
        self.layer = layer
        self.first = index
        self.offset = self.next_index - index
        self.ts_offset = (self.last_timestamp + elapsed - timestamp) & 0xFFFFFFFF
        layer.slots.append(self)
        # What this run has sent is read from the layer, which fan-out moves on.
        layer.top_forwarded = max(layer.top_forwarded, index - 1)

    def detach(self) -> None:
        """End the present run, if any, and note where the next one has to go on."""
        layer = self.layer
        if layer is None:
            return
        layer.slots.remove(self)
        self.layer = None
        last = layer.top_forwarded
        if last < self.first:
            return
        run = Run(layer, self.first, last, self.offset, self.ts_offset, self.munge)
        self.runs = [*self.runs[-(RUNS_KEPT - 1) :], run]
        self.next_index = last + self.offset + 1
        self.last_at = layer.last_arrival
        packet = layer.find(last)
        if packet is not None:
            self.last_timestamp = packet[2] + self.ts_offset
            if self.codec == "vp8":
                shown = packet[3]
                if self.munge is not None:
                    shown = vp8.munge(shown, self.munge)
                self.last_numbers = vp8.numbers(shown)

    def await_layer(self, layer: Layer | None) -> None:
        """Wait for ``layer`` to reach a key frame; None stops waiting."""
        if self.target is layer:
            return
        if self.target is not None:
            self.target.waiters.remove(self)
        self.target = layer
        if layer is not None:
            layer.waiters.append(self)

    def lookup(self, sequence_number: int) -> tuple[Packet, int, int, vp8.Munge | None] | None:
        """Find what was sent under a sequence number.

        Returns (packet of the layer, out index, timestamp offset, munge), or None where it
        was never sent or has left the ring.
        """
        layer = self.layer
        top = self.next_index - 1
        if layer is not None and layer.top_forwarded >= self.first:
            top = layer.top_forwarded + self.offset
        index = unwrap(sequence_number, top)
        if index > top:
            return None
        if layer is not None and index - self.offset >= self.first:
            packet = layer.find(index - self.offset)
            return None if packet is None else (packet, index, self.ts_offset, self.munge)
        for run in reversed(self.runs):
            if run.first <= index - run.offset <= run.last:
                packet = run.layer.find(index - run.offset)
                return None if packet is None else (packet, index, run.ts_offset, run.munge)
        return None
