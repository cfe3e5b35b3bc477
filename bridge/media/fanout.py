"""The hot loop: every packet a layer took in is rewritten and sealed for each receiver.

Nothing here allocates more than header and body of the packet, logs, raises or waits.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from bridge.media import redundancy, vp8
from bridge.media.counters import Counters
from bridge.media.departures import departing
from bridge.media.layer import Layer
from bridge.media.meter import WIRE
from bridge.media.packets import Batch, Outgoing, Packet
from bridge.media.slot import ONE_WORD_EXTENSION, Slot
from bridge.media.transport import Transport

# The first 32 bits (V P X CC M PT SEQ), the timestamp, SSRC and extension block header as one
# field, one 32-bit extension word.
HEADER_WITH_EXTENSION = struct.Struct("!IIQI")
HEADER_WITH_TWO_WORDS = struct.Struct("!IIQQ")  # transport-cc number and level, to another bridge
HEADER = struct.Struct("!III")
VERSION_AND_EXTENSION = 0x90 << 24
VERSION = 0x80 << 24

# A layer, packets of it, and the slots that are to have them.
Rest = tuple[Layer, list[Packet], list[Slot]]


class Left(NamedTuple):
    """When packets left, in monotonic seconds. Not ``sure`` where the process stood still before
    the call that sent them came back."""

    at: float
    sure: bool


# Sends what a receiver's ``out`` holds and leaves it as it is; returns when it left, or None for
# the time of the turn. A turn that takes long, or is interrupted, must not look like a line that
# does.
Sink = Callable[[Transport], Left | None]


def gather(layer: Layer, ready: list[Transport]) -> None:
    """Turn the pending packets of ``layer`` into its batch and note it with every receiver.

    A transport that had nothing to do is appended to ``ready``.
    """
    packets = layer.pending
    layer.pending = []
    share(layer, packets, layer.slots, ready)


def share(layer: Layer, packets: list[Packet], slots: list[Slot], ready: list[Transport]) -> None:
    """`gather` of packets that wait no longer, for some of the layer's slots."""
    first_index = top = packets[0][0]
    octets = 0
    for packet in packets:
        index = packet[0]
        octets += len(packet[3])
        if index > top:
            top = index
        elif index < first_index:
            first_index = index
    layer.top_forwarded = max(layer.top_forwarded, top)
    layer.batch = Batch(packets, first_index, octets, {})
    for slot in slots:
        transport = slot.transport
        if not transport.todo and not transport.out:
            ready.append(transport)
        transport.todo.append(slot)


def fan_out(transport: Transport, counters: Counters) -> None:
    """Seal what all layers have for one receiver into its ``out``.

    Receiver by receiver, not layer by layer: what is sealed is then sent and freed while it
    is still in the processor's first cache (docs/performance.md).
    """
    out = transport.out
    total = 0
    for slot in transport.todo:
        layer = slot.layer
        if layer is None or layer.batch is None:
            continue
        packets, first_index, octets, munged = layer.batch
        if transport.tells_levels:
            transport.ext_word = level_word(transport, layer) if slot.kind == "audio" else 0
        if slot.thin is not None or (transport.pacer is not None and slot.kind == "video"):
            total += _one_by_one(slot, transport, packets)
            continue
        if slot.munge is not None:
            change = slot.munge
            mine = munged.get(change)
            if mine is None:
                mine = munged[change] = [(i, h, t, vp8.munge(b, change)) for i, h, t, b in packets]
            packets = mine
        if first_index < slot.first:
            first = slot.first
            packets = [packet for packet in packets if packet[0] >= first]
            octets = sum(len(packet[3]) for packet in packets)
        if slot.red:
            packets = redundancy.repeat(slot, layer, packets)
            octets = sum(len(packet[3]) for packet in packets)
        if transport.seal is not None:
            seal_into(slot, transport, packets, out)
        else:
            protect_into(slot, transport, packets, out)
        count = len(packets)
        slot.packets += count
        slot.octets += octets
        total += count
    transport.todo.clear()
    counters.packets_out += total


def _one_by_one(slot: Slot, transport: Transport, packets: list[Packet]) -> int:
    """A slot that leaves packets out, or whose receiver has a pacer; return how many it sends."""
    return _depart(slot, transport, departing(slot, packets))


def _depart(slot: Slot, transport: Transport, departures: list[Outgoing]) -> int:
    """Send packets of a slot, or let pictures wait in their receiver's pacer; return how many."""
    pacer = transport.pacer if slot.kind == "video" else None
    for packet in departures:
        size = len(packet[3])
        slot.octets += size
        if pacer is not None:
            pacer.push((slot, packet), size + WIRE)
        else:
            transmit(slot, packet)
    slot.packets += len(departures)
    return len(departures)


def catch_up(
    served: list[tuple[Slot, list[Outgoing]]],
    ready: list[Transport],
    counters: Counters,
    unix_time: float,
) -> None:
    """Send slots what their layers have kept."""
    for slot, departures in served:
        transport = slot.transport
        if not transport.todo and not transport.out:
            ready.append(transport)
        stamp(transport, unix_time)
        counters.packets_out += _depart(slot, transport, departures)


def transmit(slot: Slot, packet: Outgoing) -> None:
    """Seal one packet of a slot into its receiver's ``out``."""
    transport = slot.transport
    head, index, timestamp, payload = packet
    header = build_header(transport, head | slot.payload_type << 16, index, timestamp, slot.ssrc)
    seal_one(transport, slot.nonce_base, index, header, payload)


def seal_one(transport: Transport, nonce_base: int, index: int, header: bytes, body: bytes) -> None:
    """Seal a packet under the transport's keys into its ``out``; nothing before there are any."""
    if transport.seal is not None:
        nonce = (nonce_base ^ index).to_bytes(12, "big")
        transport.out.append(header)
        transport.out.append(transport.seal(nonce, body, header))
    elif transport.outbound is not None:
        transport.out.append(b"")
        transport.out.append(transport.outbound.protect(header + body))


def seal_into(slot: Slot, transport: Transport, packets: list[Packet], out: list[bytes]) -> None:
    """AEAD_AES_128_GCM: header and nonce by hand (RFC 7714), the header is the AAD."""
    seal = transport.seal
    assert seal is not None
    append = out.append
    offset = slot.offset
    ts_offset = slot.ts_offset
    nonce_base = slot.nonce_base
    word = transport.ext_word
    step = 0
    if transport.cc_word:
        number = transport.cc_next & 0xFFFF
        before_wrap = 0x10000 - number
        if len(packets) > before_wrap:  # the number would run into the element's id
            seal_into(slot, transport, packets[:before_wrap], out)
            seal_into(slot, transport, packets[before_wrap:], out)
            return
        word = transport.cc_word | number << 8
        step = 1 << 8
        transport.cc_next += len(packets)
    last_timestamp = -1
    out_timestamp = 0
    if word:
        pack = HEADER_WITH_EXTENSION.pack
        wide_ssrc = slot.wide_ssrc
        if transport.cc_word and transport.tells_levels:
            pack = HEADER_WITH_TWO_WORDS.pack
            wide_ssrc += 1
            word, step = word << 32 | transport.ext_word, step << 32
        first = VERSION_AND_EXTENSION | slot.payload_type << 16
        for index, head, timestamp, payload in packets:
            index += offset
            if timestamp != last_timestamp:
                last_timestamp = timestamp
                out_timestamp = (timestamp + ts_offset) & 0xFFFFFFFF
            header = pack(first | head | index & 0xFFFF, out_timestamp, wide_ssrc, word)
            word += step
            append(header)
            append(seal((nonce_base ^ index).to_bytes(12, "big"), payload, header))
        return
    plain = HEADER.pack
    first = VERSION | slot.payload_type << 16
    for index, head, timestamp, payload in packets:
        index += offset
        out_timestamp = (timestamp + ts_offset) & 0xFFFFFFFF
        header = plain(first | head | index & 0xFFFF, out_timestamp, slot.ssrc)
        append(header)
        append(seal((nonce_base ^ index).to_bytes(12, "big"), payload, header))


def protect_into(slot: Slot, transport: Transport, packets: list[Packet], out: list[bytes]) -> None:
    """AES128_CM_SHA1_80 through libsrtp, which takes and returns whole packets."""
    outbound = transport.outbound
    if outbound is None:
        return
    for index, head, timestamp, payload in packets:
        header = build_header(
            transport,
            head | slot.payload_type << 16,
            index + slot.offset,
            timestamp + slot.ts_offset,
            slot.ssrc,
        )
        out.append(b"")
        out.append(outbound.protect(header + payload))


def build_header(transport: Transport, head: int, index: int, timestamp: int, ssrc: int) -> bytes:
    """A header as the hot loop makes it; takes a fresh transport-cc number where negotiated.

    ``head`` has P, M and PT in their places of the first 32 bits.
    """
    word = transport.ext_word
    if transport.cc_word:
        word = transport.cc_word | (transport.cc_next & 0xFFFF) << 8
        transport.cc_next += 1
    first = head | index & 0xFFFF
    timestamp &= 0xFFFFFFFF
    if word:
        wide_ssrc = ssrc << 32 | ONE_WORD_EXTENSION
        if transport.cc_word and transport.tells_levels:  # a packet that is sent again has no level
            two = word << 32
            first |= VERSION_AND_EXTENSION
            return HEADER_WITH_TWO_WORDS.pack(first, timestamp, wide_ssrc + 1, two)
        return HEADER_WITH_EXTENSION.pack(VERSION_AND_EXTENSION | first, timestamp, wide_ssrc, word)
    return HEADER.pack(VERSION | first, timestamp, ssrc)


def abs_send_time_word(ident: int, unix_time: float) -> int:
    """The extension word with abs-send-time: 24 bits of 6.18 fixed-point seconds."""
    return ident << 28 | 2 << 24 | int(unix_time * (1 << 18)) & 0xFFFFFF


def level_word(transport: Transport, layer: Layer) -> int:
    """The extension word with the level of a voice (RFC 6464), as it was mixed."""
    ident = transport.extensions.audio_level
    return ident << 28 | (min(127, max(0, round(layer.audio_level))) << 16) if ident else 0


def stamp(transport: Transport, unix_time: float) -> None:
    """Note when what is sent next leaves, for receivers that want to know it."""
    ident = transport.extensions.abs_send_time
    if ident and not transport.cc_word:
        transport.ext_word = abs_send_time_word(ident, unix_time)


def retransmit(
    slot: Slot, sequence_number: int, ready: list[Transport], at_most: int = 1 << 16
) -> int:
    """Queue a packet again as RTX (RFC 4588); return its octets, or 0 where it is gone or has
    more than ``at_most``.

    It goes out under the slot's RTX SSRC with a fresh index (and a fresh transport-cc
    number), so no nonce is used twice whatever a receiver asks for.
    """
    transport = slot.transport
    found = slot.lookup(sequence_number)
    if found is None or transport.outbound is None:
        return 0
    packet, index, ts_offset, change = found
    _, head, timestamp, payload = packet
    if len(payload) > at_most:
        return 0
    if change is not None:
        payload = vp8.munge(payload, change)
    body = (index & 0xFFFF).to_bytes(2, "big") + payload
    rtx_index = slot.rtx_index
    slot.rtx_index = rtx_index + 1
    header = build_header(
        transport,
        head | slot.rtx_payload_type << 16,
        rtx_index,
        timestamp + ts_offset,
        slot.rtx_ssrc,
    )
    if not transport.out and not transport.todo:
        ready.append(transport)
    seal_one(transport, slot.rtx_nonce_base, rtx_index, header, body)
    return len(body)
