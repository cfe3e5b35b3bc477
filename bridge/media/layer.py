"""One inbound RTP stream: a simulcast layer, a single video stream or an audio stream.

The ring serves three ends at once: it removes duplicates, it answers retransmission requests
of every receiver, and it is what makes nonces unique. An entry is only ever replaced by one
with a higher packet index, so every index is accepted at most once in a layer's life.

**Two numberings.** The *wire index* is what the peer sealed a packet with: its sequence number
and rollover counter (RFC 3711 section 3.3.1), plus 2^16. The *index*, by which packets are kept
and forwarded, is the wire index minus ``shift``. ``shift`` grows where a source leaves out more
numbers than a real loss can explain, so that receivers see a small gap instead: a receiver that
misses 2^15 numbers guesses the rollover counter wrong and opens nothing any more. Nothing below
the wire index of the latest such jump (``floor``) is taken, so that no two wire indices meet in
one index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, cast

from bridge.media import h264, vp8
from bridge.media.counters import Drop
from bridge.media.meter import Meter
from bridge.media.packets import Batch, Packet
from bridge.media.rtcp import ReportBlock

if TYPE_CHECKING:  # kept for others: a layer does nothing with its owner, nor with its slots
    from bridge.media.slot import Slot
    from bridge.media.transport import Source

VIDEO_RING = 1024  # packets: 2.5–5 s of a 720p layer, longer than any repair is useful
AUDIO_RING = 64  # packets: 1.3 s of Opus; audio is never retransmitted, only de-duplicated

MAX_MISSING = 256  # packets awaited at once; beyond that a key frame is cheaper
NACK_TRIES = 10
NACK_GIVE_UP = 1.0  # seconds; a receiver's jitter buffer has moved on by then
NACK_MIN_INTERVAL = 0.02  # seconds
KEY_FRAME_INTERVAL = 1.0  # seconds between two requests for one layer, whoever asked
KEY_FRAME_SOONER = 0.3  # the same while a slot waits that has no picture of the layer yet
LAYER_IDLE = 1.5  # seconds without a packet until a layer counts as switched off

SILENCE = 127  # -dBov, RFC 6464

# Sequence numbers a source may leave out at once, and per second over time. A loss of half a
# second of the fastest layer fits; in the 4 s after which a silent receiver counts as vanished
# the index moves by far less than 2^15.
SKIP_BURST = 1024
SKIP_RATE = 1000.0
JUMP_GAP = 1  # numbers left out towards receivers where more were left out: seen as a loss


class Ring(Protocol):
    """Packets by the low bits of their index."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Packet | None]: ...

    def __getitem__(self, place: int, /) -> Packet | None: ...

    def __setitem__(self, place: int, packet: Packet, /) -> None: ...


def _never(_payload: bytes) -> bool:
    return False


def _always(_payload: bytes) -> bool:
    return True


KEY_FRAME_START: dict[str, Callable[[bytes], bool]] = {
    "vp8": vp8.is_key_frame_start,
    "h264": h264.is_key_frame_start,
    "opus": _always,  # every audio packet can be started from
}


class Layer:
    """Receive state of one SSRC. ``clock_rate`` is in Hz, times are monotonic seconds."""

    __slots__ = (
        "audio_level",
        "base_index",
        "batch",
        "clock_rate",
        "codec",
        "expected_prior",
        "floor",
        "height",
        "highest",
        "is_key_frame_start",
        "jitter",
        "key_frame_awaited",
        "key_frame_requests",
        "key_frame_sent",
        "key_frame_wanted",
        "key_frame_weak",
        "last_arrival",
        "lost_unrepaired",
        "mask",
        "meter",
        "missing",
        "nacked",
        "nonce_base",
        "octets",
        "payload_type",
        "pending",
        "received",
        "received_prior",
        "recovered",
        "red_payload_type",
        "redundancy",
        "restored",
        "rid",
        "ring",
        "rtx_ssrc",
        "shift",
        "skip_at",
        "skip_credit",
        "slots",
        "source",
        "sr_at",
        "sr_ntp",
        "sr_rtp",
        "ssrc",
        "top_forwarded",
        "transit",
        "waiters",
    )

    def __init__(
        self,
        *,
        source: Source,
        ssrc: int,
        rid: str,
        codec: str,
        clock_rate: int,
        payload_type: int = 0,
        red_payload_type: int = 0,
    ) -> None:
        self.source = source
        self.ssrc = ssrc
        self.payload_type = payload_type
        # Of redundant audio; -1, which no packet has, where there is none.
        self.red_payload_type = red_payload_type or -1
        self.redundancy = 0  # earlier frames in the last packet of it
        self.restored = 0  # frames out of it whose own packets were lost
        self.rtx_ssrc = 0
        self.nonce_base = 0  # inbound session salt with the SSRC mixed in
        self.rid = rid
        self.codec = codec
        self.clock_rate = clock_rate
        self.height = 0  # lines of the picture, as a key frame said; 0: unknown
        size = AUDIO_RING if codec == "opus" else VIDEO_RING
        self.ring: Ring = cast("list[Packet | None]", [None] * size)
        self.mask = size - 1
        self.is_key_frame_start = KEY_FRAME_START.get(codec, _never)
        # What waits for fan-out, and who gets it.
        self.pending: list[Packet] = []
        self.batch: Batch | None = None  # of the present turn of fan-out
        self.slots: list[Slot] = []
        self.waiters: list[Slot] = []
        self.top_forwarded = 0
        # Reception, RFC 3550 appendix A.
        self.base_index = 0
        self.highest = 0
        self.shift = 0
        self.floor = 0x10000
        self.skip_credit = float(SKIP_BURST)
        self.skip_at = 0.0
        self.received = 0
        self.recovered = 0
        self.octets = 0
        self.expected_prior = 0
        self.received_prior = 0
        self.transit = 0.0
        self.jitter = 0.0
        self.meter = Meter()
        self.last_arrival = 0.0
        self.audio_level = float(SILENCE)
        # The last sender report as it came: NTP (32.32) of the source's clock, and arrival.
        self.sr_ntp = 0
        self.sr_rtp = 0
        self.sr_at = 0.0
        # Repair.
        self.missing: dict[int, list[float]] = {}  # index → [first, next, tries]
        self.nacked = 0
        self.lost_unrepaired = 0
        self.key_frame_wanted = False
        self.key_frame_weak = False  # wanted by weak lines alone
        self.key_frame_awaited = False  # asked for; looked at while slots wait for the layer
        self.key_frame_sent = -1e9
        self.key_frame_requests = 0

    def go_on_from(self, wire_highest: int) -> None:
        """Continue the numbering of an earlier layer of this SSRC; nothing of it is taken."""
        self.floor = wire_highest + 1
        self.shift = wire_highest - 0xFFFF  # the next packet has index 2^16

    @property
    def wire_highest(self) -> int:
        """The highest wire index taken, of this layer or of the one it goes on from."""
        return max(self.highest + self.shift, self.floor - 1)

    def estimate(self, sequence_number: int) -> int:
        """The wire index nearest to the highest seen (RFC 3711 section 3.3.1, plus 2^16).

        The first packet is taken to be in the first cycle, as in libsrtp.
        """
        highest = self.highest
        if highest:
            highest += self.shift
        elif self.floor == 0x10000:
            return 0x10000 + sequence_number
        else:
            highest = self.floor - 1
        delta = (sequence_number - highest) & 0xFFFF
        return highest + delta if delta < 0x8000 else highest + delta - 0x10000

    def seen(self, wire_index: int) -> Drop | None:
        """Why a packet with this wire index must not be taken, or None. Changes nothing."""
        index = wire_index - self.shift
        stored = self.ring[index & self.mask]
        if stored is not None and stored[0] >= index:
            return Drop.DUPLICATE if stored[0] == index else Drop.TOO_OLD
        if wire_index < self.floor or index <= self.highest - len(self.ring):
            return Drop.TOO_OLD
        return None

    def take(self, wire_index: int, head: int, timestamp: int, payload: bytes, now: float) -> None:
        """Take in an authenticated packet that was not `seen`; it then waits in ``pending``."""
        index = wire_index - self.shift
        highest = self.highest
        if not highest:
            self.base_index = self.highest = index
            self.transit = now * self.clock_rate - timestamp
        elif index > highest:
            if index > highest + 1:
                if self._may_skip(index - highest - 1, now):
                    self._gap(highest + 1, index, now)
                else:
                    index = self._jump(wire_index)
            self.highest = index
            # RFC 3550 A.8, in order only: a retransmission would falsify it.
            transit = now * self.clock_rate - timestamp
            deviation = transit - self.transit
            if deviation < 0:
                deviation = -deviation
            self.transit = transit
            if deviation < self.clock_rate * 10:  # a wrap or a stepped clock is no jitter
                self.jitter += (deviation - self.jitter) / 16
        elif self.missing:
            self.missing.pop(index, None)
        self.last_arrival = now
        self.received += 1
        self.octets += len(payload)
        packet = (index, head, timestamp, payload)
        self.ring[index & self.mask] = packet
        self.pending.append(packet)

    def changed(self) -> None:
        """Slots came or went. For what keeps tables of them (`bridge.media.hot`)."""

    def released(self) -> None:
        """Nothing is received here any more."""

    def find(self, index: int) -> Packet | None:
        """Return the packet with this index while it is in the ring."""
        packet = self.ring[index & self.mask]
        return packet if packet is not None and packet[0] == index else None

    def _may_skip(self, count: int, now: float) -> bool:
        """Whether receivers may be shown a loss of ``count`` packets, within the limits."""
        credit = self.skip_credit + (now - self.skip_at) * SKIP_RATE
        self.skip_credit = min(credit, float(SKIP_BURST))
        self.skip_at = now
        if count > self.skip_credit:
            return False
        self.skip_credit -= count
        return True

    def _jump(self, wire_index: int) -> int:
        """Begin the numbering anew with this packet; return its index."""
        index = self.highest + 1 + JUMP_GAP
        self.shift = wire_index - index
        self.floor = wire_index
        self.lost_unrepaired += len(self.missing) + JUMP_GAP
        self.missing.clear()
        self.key_frame_wanted = self.codec != "opus"
        return index

    def _gap(self, start: int, end: int, now: float) -> None:
        if self.codec == "opus":
            return
        if len(self.missing) + end - start > MAX_MISSING:
            self.lost_unrepaired += len(self.missing) + end - start
            self.missing.clear()
            self.key_frame_wanted = True
            return
        for index in range(start, end):
            self.missing[index] = [now, now, 0]

    def due_nacks(self, now: float, rtt: float) -> list[int]:
        """Return the 16-bit sequence numbers to ask for now, and plan their next try."""
        due: list[int] = []
        interval = max(NACK_MIN_INTERVAL, 1.25 * rtt)
        for index, entry in list(self.missing.items()):
            first, next_try, tries = entry
            if now - first > NACK_GIVE_UP or tries >= NACK_TRIES:
                del self.missing[index]
                self.lost_unrepaired += 1
                self.key_frame_wanted = True
            elif next_try <= now:
                entry[1] = now + interval
                entry[2] = tries + 1
                due.append(index + self.shift & 0xFFFF)
        self.nacked += len(due)
        return due

    def begins_with(self, payload: bytes) -> None:
        """Slots were let in at this key frame."""
        if self.codec == "vp8":
            self.height = vp8.height(payload) or self.height
        self.key_frame_came()

    def key_frame_came(self) -> None:
        """Nobody waits for one any more."""
        self.key_frame_wanted = self.key_frame_weak = self.key_frame_awaited = False

    def asked_key_frame(self, now: float) -> None:
        """One has been asked for."""
        self.key_frame_sent = now
        self.key_frame_requests += 1
        self.key_frame_came()
        self.key_frame_awaited = True

    def is_active(self, now: float) -> bool:
        return self.received > 0 and now - self.last_arrival < LAYER_IDLE

    def report(self, now: float) -> ReportBlock:
        """The reception report block since the last call (RFC 3550 appendix A.3). A frame that
        redundancy restored counts as lost: its packet was."""
        received = self.received - self.restored
        expected = self.highest - self.base_index + 1 if self.highest else 0
        interval_expected = expected - self.expected_prior
        interval_received = received - self.received_prior
        self.expected_prior = expected
        self.received_prior = received
        lost = interval_expected - interval_received
        fraction = 0
        if interval_expected > 0 and lost > 0:
            fraction = min(255, (lost << 8) // interval_expected)
        delay = 0
        if self.sr_ntp:
            delay = max(0, min(int((now - self.sr_at) * 65536), 0xFFFFFFFF))
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=expected - received,
            highest=(self.wire_highest - 0x10000) & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_sender_report=self.sr_ntp >> 16 & 0xFFFFFFFF,
            delay_since_last=delay,
        )
