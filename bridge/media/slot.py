"""One outbound RTP stream: a place at a receiver that shows one source after another.

Invariant, on which the safety of AES-GCM rests: **a slot never seals two packets with one
index.** Proof: the slot's life is a sequence of runs. In a run one layer feeds it, and the
index of a packet is the layer's index plus a constant, so it is as unique as the layer's
(`bridge.media.layer`: every index is accepted at most once, and fan-out sees each accepted
packet once: a slot switches before the turn's packets are gathered, never between, see
`MediaCore.flush`). A run only takes layer indices from its first one upwards, and the first one
maps to ``next_index`` of the run before, which lies above everything that run has sent. So
runs use disjoint intervals. What a layer has kept (`bridge.media.kept`) is sent as a run like all
others, which takes each of its indices once, in one go; the next run begins above it, by the
layer's indices and by the slot's. Sent once more it is another run. A run that leaves frames out
(`bridge.media.thinning`) numbers its packets one to one as well, from where it began upwards. The
retransmission stream has an SSRC of its own and a counter; padding and probes take their numbers
from the same counter.
`tests/media/test_slot.py` searches for a counter-example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bridge.media import vp8
from bridge.media.kept import PRESSED
from bridge.media.layer import Layer
from bridge.media.packets import Outgoing, Packet
from bridge.media.parts import Paused
from bridge.media.rtp import unwrap
from bridge.media.thinning import ALL, Thinning

if TYPE_CHECKING:  # the owner
    from bridge.media.transport import Transport

ONE_WORD_EXTENSION = 0xBEDE0001  # RFC 8285: one-byte form, one word
RUNS_KEPT = 2  # earlier runs whose packets can still be retransmitted
SR_KEPT = 4  # sender reports whose answers can be matched for a round trip


class Run(NamedTuple):
    """How one layer's packets were mapped: ``out = in + offset`` for indices first..last. From the
    RTP timestamp ``pressed`` on, where there is one, timestamps went on more slowly."""

    layer: Layer
    first: int
    last: int
    offset: int
    ts_offset: int
    munge: vp8.Munge | None
    thin: Thinning | None
    pressed: int | None = None

    def shift(self, timestamp: int) -> int:
        """What was added to a packet's timestamp."""
        if self.pressed is None:
            return self.ts_offset
        behind = (timestamp - self.pressed) & 0xFFFFFFFF
        return self.ts_offset - behind + behind // PRESSED


class Slot:
    """State of one slot. ``index`` numbers extend sequence numbers by their wraps."""

    __slots__ = (
        "again_at",
        "at_most",
        "clock_rate",
        "codec",
        "first",
        "held_back",
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
        "paused",
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
        "seen_by_report",
        "sr_sent",
        "ssrc",
        "target",
        "temporal",
        "thin",
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
        # What the receiver's line carries: a layer up to this rid (None: any), temporal layers
        # up to this one (-1: all), or nothing. ``held_back``: it awaits a layer because of that.
        self.at_most: str | None = None
        self.temporal = -1
        self.paused: Paused = ""
        self.held_back = False
        self.again_at = 0.0  # when what the layer keeps may be sent once more
        # The present run.
        self.first = 0
        self.offset = 0
        self.ts_offset = 0
        self.munge: vp8.Munge | None = None
        self.thin: Thinning | None = None  # where temporal layers are left out
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
        self.seen_by_report = (0, 0, 0)  # packets, numbers and losses at the last report
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
        before = self.red
        self.red = earlier if self.red_payload_type else 0
        self.payload_type = self.red_payload_type if self.red else self.plain
        if self.layer is not None and self.red != before:
            self.layer.changed()

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
        layer.changed()
        # What this run has sent is read from the layer, which fan-out moves on.
        layer.top_forwarded = max(layer.top_forwarded, index - 1)
        if self.temporal >= 0:
            self.thin = Thinning(top=index - 1, offset=self.offset, target=self.temporal)

    def catch_up(self, layer: Layer, packets: list[Packet], now: float) -> list[Outgoing]:
        """Start with ``packets`` that the layer has kept, from a key frame to its newest packet,
        none missing and none waiting for fan-out; then go on behind it. Returns what is to be
        sent, each under an index of its own."""
        self.attach(layer, packets[0], now)
        last = packets[-1][0]
        change = self.munge
        run = Run(
            *(layer, self.first, last, self.offset, self.ts_offset, change, None), packets[0][2]
        )
        out = [
            (
                head,
                index + run.offset,
                (timestamp + run.shift(timestamp)) & 0xFFFFFFFF,
                payload if change is None else vp8.munge(payload, change),
            )
            for index, head, timestamp, payload in packets
        ]
        self.runs = [*self.runs[-(RUNS_KEPT - 1) :], run]
        self.first = last + 1
        layer.top_forwarded = max(layer.top_forwarded, last)
        self.next_index = self.first + self.offset
        self.last_at = layer.last_arrival
        self.last_timestamp = out[-1][2]
        self.ts_offset = (self.last_timestamp - packets[-1][2]) & 0xFFFFFFFF
        if self.codec == "vp8":
            self.last_numbers = vp8.numbers(out[-1][3])
        layer.changed()
        return out

    def detach(self) -> None:
        """End the present run, if any, and note where the next one has to go on."""
        layer = self.layer
        if layer is None:
            return
        layer.slots.remove(self)
        layer.changed()
        self.layer = None
        self._end_run(layer)

    def _end_run(self, layer: Layer) -> None:
        """Keep the present run for retransmissions and go on behind it."""
        thin, self.thin = self.thin, None
        last = layer.top_forwarded
        if last < self.first:
            return
        run = Run(layer, self.first, last, self.offset, self.ts_offset, self.munge, thin)
        self.runs = [*self.runs[-(RUNS_KEPT - 1) :], run]
        self.next_index = last + self.offset + 1 if thin is None else thin.next_index
        self.last_at = layer.last_arrival
        packet = layer.find(last)
        if packet is not None:
            self.last_timestamp = packet[2] + self.ts_offset
            if self.codec == "vp8":
                change = self.munge if thin is None else less(self.munge, thin.frames_less)
                self.last_numbers = vp8.numbers(
                    packet[3] if change is None else vp8.munge(packet[3], change)
                )

    def grant(self, rid: str) -> None:
        """Show a layer up to ``rid``."""
        self.held_back = self.at_most is not None and (rid != self.at_most or bool(self.paused))
        self.at_most = rid
        self.paused = ""

    def pause(self, reason: Paused) -> None:
        """Show nothing, for this reason."""
        self.paused = reason

    def resume(self) -> None:
        """There is nothing to be shown any more, and so nothing that is paused."""
        self.paused = ""

    def served_again(self, next_at: float) -> None:
        """What the layer keeps is sent once more, and not again before ``next_at``."""
        self.again_at = next_at

    def asked_by_people(self) -> None:
        """Another source is wanted: what is awaited now is not because of the line."""
        self.held_back = False

    def leave_out_next(self, temporal: int) -> None:
        """Send temporal layers up to this one once the awaited layer is there; -1 all."""
        self.temporal = temporal

    def leave_out(self, temporal: int) -> None:
        """Send temporal layers up to this one from now on; -1 all. Called between turns only."""
        self.temporal = temporal
        self.leave_out_now(temporal)

    def leave_out_now(self, temporal: int) -> None:
        """The same for the present layer only."""
        layer = self.layer
        target = temporal if temporal >= 0 else ALL
        if self.thin is not None:
            self.thin.target = target
        elif temporal >= 0 and layer is not None:
            top = max(layer.top_forwarded, self.first - 1)
            self.thin = Thinning(top=top, offset=self.offset, target=target)
            layer.changed()

    def straighten(self) -> None:
        """Where nothing is left out any more, begin a run in which numbers differ by a constant,
        as the hot loop likes it. Called between turns only."""
        layer, thin = self.layer, self.thin
        if layer is None or thin is None or not thin.open:
            return
        change = less(self.munge, thin.frames_less)
        self._end_run(layer)
        self.munge = change
        self.first = layer.top_forwarded + 1
        self.offset = self.next_index - self.first
        layer.changed()

    def lost_of_ours(self, lost: int) -> tuple[int, int]:
        """Since the last report: packets sent, and how many of them were lost on the way to the
        receiver, which reports ``lost`` in all. What was missing before the bridge is missing in
        the numbers, but was never sent."""
        numbers = self.newest
        packets, before, lost_before = self.seen_by_report
        self.seen_by_report = (self.packets, numbers, lost)
        if not before:
            return 0, 0
        sent = self.packets - packets
        never_sent = max(0, numbers - before - sent)
        return sent, min(sent, max(0, lost - lost_before - never_sent))

    @property
    def newest(self) -> int:
        """The highest index sent or given to a packet that waits."""
        layer = self.layer
        if self.thin is not None:
            return self.thin.next_index - 1
        if layer is not None and layer.top_forwarded >= self.first:
            return layer.top_forwarded + self.offset
        return self.next_index - 1

    def await_layer(self, layer: Layer | None) -> None:
        """Wait for ``layer`` to reach a key frame; None stops waiting."""
        if self.target is layer:
            return
        if self.target is not None:
            self.target.waiters.remove(self)
            self.target.changed()
        self.target = layer
        if layer is not None:
            layer.waiters.append(self)
            layer.changed()

    def lookup(self, sequence_number: int) -> tuple[Packet, int, int, vp8.Munge | None] | None:
        """Find what was sent under a sequence number.

        Returns (packet of the layer, out index, timestamp offset, munge), or None where it
        was never sent or has left the ring.
        """
        layer = self.layer
        top = self.newest
        index = unwrap(sequence_number, top)
        if index > top:
            return None
        runs = self.runs
        if layer is not None:
            last = layer.top_forwarded
            now = Run(layer, self.first, last, self.offset, self.ts_offset, self.munge, self.thin)
            runs = [*runs, now]
        for run in reversed(runs):
            found = _in_run(run, index)
            if found is not None:
                source, change = found
                packet = run.layer.find(source)
                return None if packet is None else (packet, index, run.shift(packet[2]), change)
        return None


def _in_run(run: Run, index: int) -> tuple[int, vp8.Munge | None] | None:
    """Which packet of its layer a run sent as ``index``, and how its numbers were changed."""
    if run.thin is None:
        source = index - run.offset
        return (source, run.munge) if run.first <= source <= run.last else None
    placed = run.thin.find(index)
    if placed is None or not run.first <= placed[0] <= run.last:
        return None
    return placed[0], less(run.munge, placed[1])


def less(change: vp8.Munge | None, frames: int) -> vp8.Munge | None:
    """The change with ``frames`` fewer picture ids."""
    if not frames:
        return change
    if change is None:
        return vp8.Munge(-frames & 0x7FFF, 0)
    return vp8.Munge((change.picture_id - frames) & 0x7FFF, change.tl0_index)
