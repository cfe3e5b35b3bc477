"""Sound that survives loss: what redundant audio (RFC 2198) restores of what came in, what is
repeated towards each receiver, and which loss a sender is told. Pure.

**Indices.** A restored frame takes the index that its lost packet would have had, through
`Layer.take` like every packet: an index is accepted at most once, so the packet itself, should it
come late, is a duplicate. Towards receivers only the payload of a packet becomes another one; its
index stays, and is sealed once. So nothing here can repeat a nonce (`bridge.media.slot`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bridge.media import opus, red
from bridge.media.packets import Packet
from bridge.media.rtcp import ReportBlock

if TYPE_CHECKING:  # they hold what stands here
    from bridge.media.layer import Layer
    from bridge.media.slot import Slot
    from bridge.media.transport import Transport

PADDING = 0x20 << 24  # P in a packet's head
MOST = 3  # earlier frames repeated at most
LOOK_BACK = 16  # packets before one that are looked at to see where a frame belongs

# Loss 0–1 from which one, two and three earlier frames are repeated. What is left is the loss to
# the power of one more than that: below half a per cent, below three up to 30 %, six of 50 %.
UP = (0.01, 0.07, 0.35)
DOWN = 0.5  # times these the loss must stay below …
STEADY = 10.0  # … for so many seconds, for each step down
OVERFLOWED = 4.0  # … and these where a queue ran over, and the line itself loses nothing
# Sound comes before pictures: a voice and what is repeated of it may take this share of what the
# line is known to carry. A voice has some 45 kbit/s with all headers, each repeated frame 40.
SHARE = 0.75
VOICE_RATE = 45_000
FRAME_RATE = 40_000
MAX_HINT = 0.25  # loss that a sender is told at most: Opus' encoder does nothing more above it


# --- from a room ---------------------------------------------------------------------------


def take(
    layer: Layer, wire_index: int, head: int, timestamp: int, payload: bytes, now: float
) -> int:
    """Take in an authenticated packet of redundant audio that was not `Layer.seen`, and of the
    earlier frames in it those whose packets are missing. Returns how many frames were restored;
    -1 where the packet is malformed, which changes nothing. ``payload`` is without padding."""
    parsed = red.parse(payload, layer.payload_type)
    if parsed is None:
        return -1
    # Before the packet itself is taken: that may begin the numbering anew.
    places = _places(layer, wire_index, timestamp, parsed.earlier) if parsed.earlier else []
    layer.redundancy = len(parsed.earlier)
    layer.take(wire_index, head, timestamp, parsed.frame, now)
    if not places:
        return 0
    restored = 0
    own = layer.pending.pop()  # what was lost goes before what came
    for index, block in places:
        if layer.seen(index) is None:
            layer.take(index, 0, (timestamp - block.offset) & 0xFFFFFFFF, block.frame, now)
            restored += 1
    layer.pending.append(own)
    layer.restored += restored
    return restored


def _places(
    layer: Layer, wire_index: int, timestamp: int, earlier: Sequence[red.Earlier]
) -> list[tuple[int, red.Earlier]]:
    """The wire index that each missing earlier frame had, oldest first.

    A frame names its timestamp only. Where the packets since the nearest one known below are
    evenly spaced, the number follows from the time; else (the source paused, or changed the
    length of its frames) the frames are those of the packets just before, in their order.
    """
    index = wire_index - layer.shift
    if not layer.highest:
        return []
    below = next((p for i in range(1, LOOK_BACK + 1) if (p := layer.find(index - i))), None)
    if below is None:
        return []
    span = index - below[0]
    if span == 1:
        return []  # nothing is missing; nearly always
    time = (timestamp - below[2]) & 0xFFFFFFFF
    length = opus.duration(earlier[-1].frame)
    even = length > 0 and time == span * length
    found: dict[int, red.Earlier] = {}
    for place, block in enumerate(earlier):
        back, rest = divmod(block.offset, length) if even else (len(earlier) - place, 0)
        if not rest and 0 < back < span and block.offset < time:
            found[back] = block
    return [(wire_index - back, found[back]) for back in sorted(found, reverse=True)]


# --- to a room -----------------------------------------------------------------------------


def repeat(slot: Slot, layer: Layer, packets: Sequence[Packet]) -> list[Packet]:
    """The packets of ``layer`` as ``slot`` sends them: each with up to ``slot.red`` earlier
    frames. Frames of another source, or of before the slot showed this one, are not repeated."""
    result = []
    for packet in packets:
        index, head, timestamp, _ = packet
        earlier = []
        for before in range(max(slot.first, index - slot.red), index):
            found = layer.find(before)
            if found is not None:
                earlier.append(red.Earlier((timestamp - found[2]) & 0xFFFFFFFF, _own(found)))
        result.append(
            (index, head & ~PADDING, timestamp, red.build(slot.plain, _own(packet), earlier))
        )
    return result


def _own(packet: Packet) -> bytes:
    """A packet's payload without RTP padding."""
    payload = packet[3]
    return payload[: -payload[-1]] if packet[1] & PADDING else payload


class Level:
    """How many earlier frames one receiver is sent: more as soon as it loses packets, fewer one
    by one after some seconds of little loss."""

    __slots__ = ("_since", "value")

    def __init__(self) -> None:
        self.value = 0
        self._since = 0.0  # when the loss was last too high to repeat less

    def feed(self, loss: float, most: int, now: float, steady: float = STEADY) -> int:
        """Note the loss (0–1) of a receiver whose line allows for ``most``; return the level."""
        wanted = sum(loss >= bound for bound in UP)
        if wanted >= self.value:
            self.value = wanted
            self._since = now
        elif loss >= UP[self.value - 1] * DOWN:
            self._since = now
        elif now - self._since >= steady:
            self.value -= 1
            self._since = now
        return min(self.value, most)


def affordable(estimate: int, streams: int) -> int:
    """Earlier frames that a line of ``estimate`` bit/s (0: unknown) has room for in each of
    ``streams``."""
    if not estimate or not streams:
        return MOST
    return min(MOST, max(0, int((estimate * SHARE / streams - VOICE_RATE) / FRAME_RATE)))


def loss_of(transport: Transport) -> float:
    """The loss 0–1 on the way to a receiver, by whatever it reports."""
    if transport.cc_word:
        return transport.downlink_loss
    heard = [s.receiver_loss for s in transport.slots.values() if s.kind == "audio" and s.layer]
    return max(heard, default=0.0)


def adapt(transports: Iterable[Transport], now: float) -> None:
    """Choose every receiver's level anew."""
    for transport in transports:
        slots = [s for s in transport.slots.values() if s.red_payload_type]
        if not slots or transport.state != "connected":
            continue
        streams = sum(slot.layer is not None for slot in slots)
        estimator = transport.estimator
        estimate = round(estimator.full_at) if estimator is not None else transport.remb
        most = affordable(estimate, streams)
        if estimator is not None and estimator.loss.own >= UP[1]:
            # The line loses so much whatever is sent; an estimate may be low because of it.
            most = max(most, 1)
        overflowed = estimator is not None and estimator.reported and estimator.loss.own < UP[0]
        steady = OVERFLOWED if overflowed else STEADY
        level = transport.redundancy.feed(loss_of(transport), most, now, steady)
        for slot in slots:
            slot.repeat(level)


# --- back to a room ------------------------------------------------------------------------


def hinted(block: ReportBlock, layer: Layer) -> ReportBlock:
    """A report about sound whose fraction lost (RFC 3550 section 6.4.1, 1/256) is that of the way
    up or, where that is more, what the worst listener is left with after repetition: a browser's
    encoder puts as much forward error correction into its frames as that says. The cumulative
    loss, by which a sender judges its line, stays as it is."""
    if layer.codec != "opus":
        return block
    worst = 0.0
    for slot in layer.slots:
        worst = max(worst, loss_of(slot.transport) ** (1 + slot.red))
    fraction = int(min(worst, MAX_HINT) * 256)
    return block if fraction <= block.fraction_lost else block._replace(fraction_lost=fraction)
