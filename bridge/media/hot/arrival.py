"""From datagrams to packets that wait: demultiplex, find, check, open, keep. Compiled.

What is done here and what is not is decided in `_of_known_stream`: a datagram is left for Python
(listed in ``odds``) unless it is RTP of a layer that is ready and either nothing may come of it
(it is counted and dropped, as `bridge.media.intake` would) or it is the next of its sequence. Where
one packet of a layer is left, all later ones of the turn are, so that none overtakes it.

**Replay.** A packet is opened only with the index after the highest that its layer has taken, so
none is taken twice; duplicates are recognised as `bridge.media.layer.Layer.seen` does.
"""

from __future__ import annotations

from bridge.media.demux import MAX_DATAGRAM
from bridge.media.hot import native
from bridge.media.hot.compiling import compiled
from bridge.media.hot.lookup import find_sender, find_stream
from bridge.media.hot.octets import (
    find_extension,
    header_size,
    int64,
    load16,
    load32,
    store32,
)
from bridge.media.hot.strangers import refused
from bridge.media.hot.world import (
    ARRIVALS,
    CONTROL,
    DATAGRAM,
    EMPTY,
    LOWEST_INDEX,
    NAME,
    PACKET,
    TAG,
    TODO,
    TRANSPORTS,
    World,
)
from bridge.media.intake import UNKNOWN_LEVEL
from bridge.media.rtp import HEADER_SIZE, PADDING_BIT
from bridge.media.speakers import RELEASE, SMOOTHING


@compiled
def take_in(w: World, count: int, now: float) -> None:
    """Look at ``count`` received datagrams. ``now`` is monotonic seconds."""
    w.turn += 1
    w.now = now
    w.odd = 0
    w.checks = 0
    w.waiting = 0
    w.rests = 0
    w.ready = 0
    w.receiver = 0
    w.place = 0
    w.packet = EMPTY
    for i in range(count):
        size = int64(w.received_messages[i].length)
        sender = find_sender(w, w.received_names[i])
        known = sender >= 0 and _of_known_stream(w, i, size, sender, now)
        if not known and not refused(w, i, size, sender, now):
            w.odds[w.odd] = i
            w.odd += 1
        # For the next turn; the kernel has written what it used.
        w.received_messages[i].name_length = NAME
    w.stamped = w.received_messages[0].control_length  # what the kernel wrote of its arrival
    w.received_messages[0].control_length = CONTROL


@compiled
def _of_known_stream(w: World, i: int, size: int, t: int, now: float) -> bool:
    """Take datagram ``i`` in or drop it; False: Python shall look at it."""
    data = w.received[i]
    if not HEADER_SIZE <= size <= MAX_DATAGRAM:
        return False
    if data[0] >> 6 != 2 or 192 <= data[1] <= 223:  # RFC 7983, RFC 5761
        return False
    row = find_stream(w, t << 32 | load32(data, 8))
    if row < 0:
        return False
    layer = w.layers[row]
    if not layer.ready or not layer.highest:
        return False
    if layer.key_frame_wanted or layer.left_turn == w.turn:
        return False
    budget = w.budgets[layer.budget]
    if budget.packets < 0 or budget.octets < 0:
        w.over_budget += 1
        return True
    # RFC 3711 section 3.3.1; wire index and index: see `bridge.media.layer`.
    highest = layer.highest + layer.shift
    delta = (load16(data, 2) - highest) & 0xFFFF
    wire = highest + delta if delta < 0x8000 else highest + delta - 0x10000
    index = wire - layer.shift
    if index != layer.highest + 1:
        reason = _seen(w, row, index, wire)
        if reason == 0:  # a gap, or a packet that fills one
            layer.left_turn = w.turn
            return False
        _charge(w, layer.budget, size)
        if reason == DUPLICATE:
            w.duplicate += 1
        else:
            w.too_old += 1
        return True
    if data[1] & 0x7F == layer.red:  # redundant audio, to be taken apart
        layer.left_turn = w.turn
        return False
    _charge(w, layer.budget, size)
    offset = header_size(data, size)
    length = size - offset - TAG
    if offset < 0 or length < 0 or length > PACKET:
        w.malformed += 1
        return True
    set_nonce(w, layer.nonce_high, layer.nonce_middle, layer.nonce_low, wire - LOWEST_INDEX)
    at = w.received_at + i * DATAGRAM
    if not _open(w, w.transports[t].open_at, at, offset, length):
        budget.packets += 1  # forged: that must not use up what the source may send
        budget.octets += size
        w.rejected += 1
        return True
    if data[0] & PADDING_BIT and (length == 0 or not 0 < data[offset + length - 1] <= length):
        w.malformed += 1
        return True
    _take(w, row, t, i, index, offset, length, size, now)
    return True


DUPLICATE, TOO_OLD = 1, 2


@compiled
def _seen(w: World, row: int, index: int, wire: int) -> int:
    """`bridge.media.layer.Layer.seen`; 0 where it says None."""
    layer = w.layers[row]
    kept = w.kept[row, index & layer.mask].index
    if kept and kept >= index:
        return DUPLICATE if kept == index else TOO_OLD
    if wire < layer.floor or index <= layer.highest - (layer.mask + 1):
        return TOO_OLD
    return 0


@compiled
def _charge(w: World, row: int, size: int) -> None:
    w.budgets[row].packets -= 1
    w.budgets[row].octets -= size


@compiled
def set_nonce(w: World, high: int, middle: int, low: int, index: int) -> None:
    """RFC 7714 section 8.1: the salt with the SSRC mixed in, and the packet index."""
    store32(w.nonce, 0, high)
    store32(w.nonce, 4, middle ^ (index >> 32))
    store32(w.nonce, 8, low ^ (index & 0xFFFFFFFF))


@compiled
def _open(w: World, context: int, at: int, header: int, length: int) -> bool:
    """AEAD_AES_128_GCM in place: ``header`` octets of header at address ``at``, then ``length``
    of text, then the tag, all within one received datagram."""
    text = at + header
    return (
        context != 0
        and native.decrypt_init(context, 0, 0, 0, w.nonce_at) == 1
        and native.decrypt_update(context, 0, w.lengths_at, at, header) == 1
        and native.decrypt_update(context, text, w.lengths_at, text, length) == 1
        and native.context_control(context, native.SET_TAG, TAG, text + length) == 1
        and native.decrypt_final(context, text + length, w.lengths_at) == 1
    )


@compiled
def _take(
    w: World, row: int, t: int, i: int, index: int, offset: int, length: int, size: int, now: float
) -> None:
    """`bridge.media.layer.Layer.take` of the next packet, and what is noted of every packet."""
    data = w.received[i]
    layer = w.layers[row]
    transport = w.transports[t]
    transport.last_heard = now
    w.packets_in += 1
    w.octets_in += size
    if transport.cc_in and w.arrived < ARRIVALS:
        at, found = find_extension(data, transport.cc_in)
        if found == 2:
            arrival = w.arrivals[w.arrived]
            arrival.transport = t
            arrival.number = load16(data, at)
            arrival.at = now
            w.arrived += 1
    if layer.audio:
        level = UNKNOWN_LEVEL
        if transport.level_in:
            at, found = find_extension(data, transport.level_in)
            if found:
                level = int64(data[at]) & 0x7F
        weight = SMOOTHING if level < layer.audio_level else RELEASE
        layer.audio_level += (level - layer.audio_level) * weight
    timestamp = load32(data, 4)
    transit = now * layer.clock_rate - timestamp
    deviation = abs(transit - layer.transit)
    layer.transit = transit
    if deviation < layer.clock_rate * 10:
        layer.jitter += (deviation - layer.jitter) / 16
    layer.highest = index
    layer.top_forwarded = max(layer.top_forwarded, index)  # it is sent before the turn ends
    layer.last_arrival = now
    layer.received += 1
    layer.octets += length
    head = (int64(data[0]) & PADDING_BIT) << 24 | (int64(data[1]) & 0x80) << 16
    place = index & layer.mask
    kept = w.kept[row, place]
    kept.index = index
    kept.timestamp = timestamp
    kept.head = head
    kept.length = length
    at = w.received_at + i * DATAGRAM + offset
    native.memcpy(layer.ring_at + place * PACKET, at, length)
    p = w.waiting
    w.waiting = p + 1
    packet = w.pending[p]
    packet.index = index
    packet.at = at
    packet.timestamp = timestamp
    packet.head = head
    packet.length = length
    packet.next = EMPTY
    if layer.turn == w.turn:
        w.pending[layer.last].next = p
        layer.count += 1
    else:
        layer.turn = w.turn
        layer.first = p
        layer.count = 1
        if layer.rest:
            w.rest[w.rests] = row
            w.rests += 1
        for k in range(layer.feeds):
            _note(w, w.feeds[row, k])
    layer.last = p


@compiled
def _note(w: World, row: int) -> None:
    """A slot has something to send in this turn."""
    t = w.slots[row].transport
    transport = w.transports[t]
    if transport.todo == 0:
        if w.ready == TRANSPORTS:
            return
        w.receivers[w.ready] = t
        w.ready += 1
    if transport.todo < TODO:
        w.todo[t, transport.todo] = row
        transport.todo += 1
