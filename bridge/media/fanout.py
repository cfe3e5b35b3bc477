"""The hot loop: every packet a layer took in is rewritten and sealed for each receiver.

Nothing here allocates more than header and body of the packet, logs, raises or waits.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from bridge.media import vp8
from bridge.media.counters import Counters
from bridge.media.layer import Layer, Packet
from bridge.media.slot import Slot
from bridge.media.transport import Transport

# Fixed header, extension block header and one 32-bit extension word in one go.
HEADER_WITH_EXTENSION = struct.Struct("!BBHIIII")
HEADER = struct.Struct("!BBHII")
ONE_WORD_EXTENSION = 0xBEDE0001  # RFC 8285: one-byte form, one word


class Batch(NamedTuple):
    """What a layer forwards in one turn: its pending packets, their lowest index and octets.
    ``munged`` caches rewritten copies by what was changed."""

    packets: list[Packet]
    first_index: int
    octets: int
    munged: dict[vp8.Munge, list[Packet]]


def gather(layer: Layer, ready: list[Transport]) -> None:
    """Turn the pending packets of ``layer`` into its batch and note it with every receiver.

    A transport that had nothing to do is appended to ``ready``.
    """
    packets = layer.pending
    layer.pending = []
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
    for slot in layer.slots:
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
        if slot.munge is not None:
            change = slot.munge
            mine = munged.get(change)
            if mine is None:
                mine = munged[change] = [
                    (i, k, t, vp8.munge(b, change), p) for i, k, t, b, p in packets
                ]
            packets = mine
        if first_index < slot.first:
            first = slot.first
            packets = [packet for packet in packets if packet[0] >= first]
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


def seal_into(slot: Slot, transport: Transport, packets: list[Packet], out: list[bytes]) -> None:
    """AEAD_AES_128_GCM: header and nonce by hand (RFC 7714), the header is the AAD."""
    seal = transport.seal
    assert seal is not None
    append = out.append
    offset = slot.offset
    ts_offset = slot.ts_offset
    ssrc = slot.ssrc
    payload_type = slot.payload_type
    nonce_base = slot.nonce_base
    word = transport.ext_word
    cc_word = transport.cc_word
    if word or cc_word:
        pack = HEADER_WITH_EXTENSION.pack
        number = transport.cc_next
        for index, marker, timestamp, payload, padding in packets:
            index += offset
            if cc_word:
                word = cc_word | (number & 0xFFFF) << 8
                number += 1
            header = pack(
                0x90 | padding,
                marker | payload_type,
                index & 0xFFFF,
                (timestamp + ts_offset) & 0xFFFFFFFF,
                ssrc,
                ONE_WORD_EXTENSION,
                word,
            )
            append(header)
            append(seal((nonce_base ^ index).to_bytes(12, "big"), payload, header))
        transport.cc_next = number
        return
    pack = HEADER.pack
    for index, marker, timestamp, payload, padding in packets:
        index += offset
        header = pack(
            0x80 | padding,
            marker | payload_type,
            index & 0xFFFF,
            (timestamp + ts_offset) & 0xFFFFFFFF,
            ssrc,
        )
        append(header)
        append(seal((nonce_base ^ index).to_bytes(12, "big"), payload, header))


def protect_into(slot: Slot, transport: Transport, packets: list[Packet], out: list[bytes]) -> None:
    """AES128_CM_SHA1_80 through libsrtp, which takes and returns whole packets."""
    outbound = transport.outbound
    if outbound is None:
        return
    for index, marker, timestamp, payload, padding in packets:
        header = build_header(
            transport,
            marker | slot.payload_type,
            index + slot.offset,
            timestamp + slot.ts_offset,
            slot.ssrc,
            padding,
        )
        out.append(outbound.protect(header + payload))
        out.append(b"")


def build_header(
    transport: Transport,
    second_byte: int,
    index: int,
    timestamp: int,
    ssrc: int,
    padding: int,
) -> bytes:
    """A header as the hot loop makes it; takes a fresh transport-cc number where negotiated."""
    word = transport.ext_word
    if transport.cc_word:
        word = transport.cc_word | (transport.cc_next & 0xFFFF) << 8
        transport.cc_next += 1
    if word:
        return HEADER_WITH_EXTENSION.pack(
            0x90 | padding,
            second_byte,
            index & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
            ONE_WORD_EXTENSION,
            word,
        )
    return HEADER.pack(0x80 | padding, second_byte, index & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)


def abs_send_time_word(ident: int, unix_time: float) -> int:
    """The extension word with abs-send-time: 24 bits of 6.18 fixed-point seconds."""
    return ident << 28 | 2 << 24 | int(unix_time * (1 << 18)) & 0xFFFFFF


def retransmit(slot: Slot, sequence_number: int, ready: list[Transport]) -> int:
    """Queue a packet again as RTX (RFC 4588); return its octets, or 0 where it is gone.

    It goes out under the slot's RTX SSRC with a fresh index (and a fresh transport-cc
    number), so no nonce is used twice whatever a receiver asks for.
    """
    transport = slot.transport
    found = slot.lookup(sequence_number)
    outbound = transport.outbound
    if found is None or outbound is None:
        return 0
    packet, index, ts_offset, change = found
    _, marker, timestamp, payload, padding = packet
    if change is not None:
        payload = vp8.munge(payload, change)
    body = (index & 0xFFFF).to_bytes(2, "big") + payload
    rtx_index = slot.rtx_index
    slot.rtx_index = rtx_index + 1
    header = build_header(
        transport,
        marker | slot.rtx_payload_type,
        rtx_index,
        timestamp + ts_offset,
        slot.rtx_ssrc,
        padding,
    )
    if not transport.out and not transport.todo:
        ready.append(transport)
    if transport.seal is not None:
        nonce = (slot.rtx_nonce_base ^ rtx_index).to_bytes(12, "big")
        transport.out.append(header)
        transport.out.append(transport.seal(nonce, body, header))
    else:
        transport.out.append(outbound.protect(header + body))
        transport.out.append(b"")
    return len(body)
