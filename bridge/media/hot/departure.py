"""From packets that wait to sealed datagrams, receiver by receiver. Compiled.

`lay_out` writes messages for the sockets; the shell sends them and calls it again until nothing is
left. Receiver by receiver, each sent before the next: what was sealed is then still in the
processor's cache (docs/performance.md).

**Nonces.** The argument at the top of `bridge.media.slot` holds here: the index of a packet is its
layer's plus the run's constant, and the layer gives every index out once. Besides, no slot seals an
index that is not above all that it has sealed before (``sealed``): here packets leave in their
order, so that a mistake elsewhere would cost a packet and not the key.
"""

from __future__ import annotations

import sys
from typing import Any

from bridge.media.congestion.book import MAX_BATCHES
from bridge.media.fanout import VERSION, VERSION_AND_EXTENSION
from bridge.media.hot import native
from bridge.media.hot.arrival import set_nonce
from bridge.media.hot.compiling import compiled
from bridge.media.hot.octets import int64, store32
from bridge.media.hot.sent_runs import book_run
from bridge.media.hot.world import (
    ARENA,
    BATCH,
    BOOK,
    DIRECTLY,
    EMPTY,
    MESSAGES,
    NAME,
    SEGMENT_CONTROL,
    SEGMENTS,
    TAG,
    World,
)
from bridge.media.rtp import HEADER_SIZE
from bridge.media.slot import ONE_WORD_EXTENSION
from bridge.media.transport import IP_UDP

WITH_EXTENSION = HEADER_SIZE + 8  # octets
SEND_AT = 1  # octets laid out after which no further receiver is begun: see the figures
# The size of a segment in its control message: 16 bits in the machine's order, linux/udp.h.
SIZE_LOW, SIZE_HIGH = (16, 17) if sys.byteorder == "little" else (17, 16)
CLOSINGS = 2  # messages that one packet may finish


@compiled
def lay_out(w: World) -> bool:
    """Fill arena and messages for the next receiver; True where something is to be sent.

    Goes on where it stopped: at ``receiver``, its slot in ``place``, the pending ``packet``.
    """
    w.position = 0
    w.messages = 0
    w.laid_runs = 0
    w.laid_listed = 0
    while w.receiver < w.ready:
        t = w.receivers[w.receiver]
        transport = w.transports[t]
        if w.messages and transport.socket != w.socket:
            return True
        w.socket = transport.socket
        if not _receiver(w, t):
            return True
        transport.todo = 0
        w.place = 0
        w.receiver += 1
        if w.position >= SEND_AT:
            return True
    return w.messages > 0


@compiled
def _receiver(w: World, t: int) -> bool:
    """Lay out what one receiver gets; False where there was no room for all of it."""
    transport = w.transports[t]
    header = WITH_EXTENSION if transport.cc_out or transport.time_out else HEADER_SIZE
    size = 0  # of the run of equal sizes that is being laid out, and where it begins
    count = 0
    start = w.position
    while w.place < transport.todo:
        row = w.todo[t, w.place]
        p = w.packet
        if p == EMPTY:
            p = w.layers[w.slots[row].layer].first
        while p != EMPTY:
            octets = header + w.pending[p].length + TAG
            if w.position + octets > ARENA or w.messages > MESSAGES - 1 - CLOSINGS:
                _close(w, t, start, size, count)
                w.packet = p
                return False
            if _build(w, row, p, header):
                if count and (octets > size or count == min(SEGMENTS, BATCH // size) or not w.gso):
                    _close(w, t, start, size, count)
                    count = 0
                if count == 0:
                    w.run_first = transport.cc_next - 1 if transport.cc_out else EMPTY
                    start = w.position
                    size = octets
                count += 1
                w.position += octets
                if octets < size:  # a shorter one ends its run
                    _close(w, t, start, size, count)
                    count = 0
            p = w.pending[p].next
        w.packet = EMPTY
        w.place += 1
    _close(w, t, start, size, count)
    return True


@compiled
def _build(w: World, row: int, p: int, header: int) -> bool:
    """Write and seal a packet as one slot sends it, at the position; False: it is not sent."""
    slot = w.slots[row]
    packet = w.pending[p]
    if packet.index < slot.first:
        return False
    index = packet.index + slot.offset
    if index <= slot.sealed:
        w.guarded += 1
        return False
    slot.sealed = index
    transport = w.transports[slot.transport]
    at = w.position
    first = VERSION_AND_EXTENSION if header == WITH_EXTENSION else VERSION
    store32(w.arena, at, first | slot.payload_type << 16 | packet.head | (index & 0xFFFF))
    store32(w.arena, at + 4, packet.timestamp + slot.ts_offset)
    store32(w.arena, at + 8, slot.ssrc)
    if header == WITH_EXTENSION:
        store32(w.arena, at + 12, ONE_WORD_EXTENSION)
        store32(w.arena, at + 16, _extension(w, transport))
    text = packet.at
    if slot.munged and packet.length >= 4:
        text = w.arena_at + at + header
        native.memcpy(text, packet.at, packet.length)
        _munge(w.arena, at + header, packet.length, slot.picture_id, slot.tl0_index)
    set_nonce(w, slot.nonce_high, slot.nonce_middle, slot.nonce_low, index)
    if not _seal(w, transport.seal_at, w.arena_at + at, header, text, packet.length):
        w.seal_failed += 1
        return False
    if transport.cc_out:
        transport.cc_next += 1
    slot.packets += 1
    slot.octets += packet.length
    return True


@compiled
def _extension(w: World, transport: Any) -> int:
    """The one extension word: transport-cc, or else abs-send-time (6.18 seconds)."""
    if transport.cc_out:
        return transport.cc_out << 28 | 1 << 24 | (transport.cc_next & 0xFFFF) << 8
    seconds = w.now + w.unix_offset
    return transport.time_out << 28 | 2 << 24 | int(seconds * (1 << 18)) & 0xFFFFFF


@compiled
def _munge(data: Any, at: int, length: int, picture_id: int, tl0_index: int) -> None:
    """`bridge.media.vp8.munge` of at least four octets of payload at ``at``, in place."""
    if not data[at] & 0x80:
        return
    flags = data[at + 1]
    place = 2
    if flags & 0x80:
        if data[at + 2] & 0x80:
            number = (int64(data[at + 2]) << 8 | int64(data[at + 3])) + picture_id & 0x7FFF
            data[at + 2] = 0x80 | number >> 8
            data[at + 3] = number & 0xFF
            place = 4
        else:
            place = 3
    if flags & 0x40 and place < length:
        data[at + place] = int64(data[at + place]) + tl0_index & 0xFF


@compiled
def _seal(w: World, context: int, at: int, header: int, text: int, length: int) -> bool:
    """AEAD_AES_128_GCM: ``header`` octets at address ``at`` are written, what is at ``text`` is
    sealed behind them with its tag. There is room for it: see `_receiver`."""
    body = at + header
    return (
        context != 0
        and native.encrypt_init(context, 0, 0, 0, w.nonce_at) == 1
        and native.encrypt_update(context, 0, w.lengths_at, at, header) == 1
        and native.encrypt_update(context, body, w.lengths_at, text, length) == 1
        and native.encrypt_final(context, body + length, w.lengths_at) == 1
        and native.context_control(context, native.GET_TAG, TAG, body + length) == 1
    )


@compiled
def _book(w: World, t: int, size: int, count: int, last: int) -> None:
    """Note a run for whoever estimates the receiver's line."""
    transport = w.transports[t]
    first = w.run_first
    if first == EMPTY:
        w.receivers_told[t].octets += (count - 1) * size + last + count * IP_UDP
        return
    transport.booked = first + count
    w.laid_for = t
    if transport.estimated == DIRECTLY:
        book_run(w, t, first, w.now, count, size, last)
        w.laid_runs += 1
    elif w.sent < BOOK:
        entry = w.book[w.sent]
        entry.transport = t
        entry.first = first
        entry.at = w.now
        entry.count = count
        entry.size = size
        entry.last = last
        entry.sure = 1
        w.sent += 1
        w.laid_listed += 1


@compiled
def doubt(w: World) -> None:
    """What was laid out last may have left later than was noted: the process stood still."""
    if w.laid_runs:
        newest = w.receivers_told[w.laid_for].newest
        for back in range(1, w.laid_runs + 1):
            w.runs[w.laid_for, (newest - back) % MAX_BATCHES].sure = 0
    for back in range(1, w.laid_listed + 1):
        w.book[w.sent - back].sure = 0


@compiled
def _close(w: World, t: int, start: int, size: int, count: int) -> None:
    """Make a message of the ``count`` packets between ``start`` and the position."""
    if count == 0:
        return
    n = w.messages
    octets = w.position - start
    w.sent_vectors[n].base = w.arena_at + start
    w.sent_vectors[n].length = octets
    message = w.sent_messages[n]
    message.name = w.sent_names_at + t * NAME
    message.name_length = w.transports[t].name_length
    message.control = w.sent_control_at + n * SEGMENT_CONTROL if count > 1 else 0
    message.control_length = SEGMENT_CONTROL if count > 1 else 0
    w.sent_control[n, SIZE_LOW] = size & 0xFF
    w.sent_control[n, SIZE_HIGH] = size >> 8
    w.sent_sizes[n] = size
    w.sent_counts[n] = count
    if w.transports[t].estimated:
        _book(w, t, size, count, octets - (count - 1) * size)
    w.packets_out += count
    w.octets_out += octets
    w.messages = n + 1
