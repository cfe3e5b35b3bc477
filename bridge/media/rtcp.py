"""RTCP: parsing compounds and building what the bridge sends (RFC 3550, 4585, 5104, REMB)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
BYE = 203
TRANSPORT_FEEDBACK = 205  # RTPFB
PAYLOAD_FEEDBACK = 206  # PSFB

RTPFB_NACK = 1
RTPFB_TRANSPORT_CC = 15
PSFB_PLI = 1
PSFB_FIR = 4
PSFB_APPLICATION = 15

HEADER = struct.Struct("!BBH")
SENDER_INFO = struct.Struct("!IIIIII")
REPORT_BLOCK = struct.Struct("!IIIIII")
FEEDBACK_HEADER = struct.Struct("!II")

MAX_PACKETS_IN_COMPOUND = 64  # a compound is one datagram; more is an attempt to cost time
MAX_NACKED = 1024  # sequence numbers named by one compound that are looked at


class ReportBlock(NamedTuple):
    """RFC 3550 section 6.4.1. ``fraction_lost`` is in 1/256, ``jitter`` in timestamp units,
    ``delay_since_last`` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest: int
    jitter: int
    last_sender_report: int
    delay_since_last: int


class SenderReport(NamedTuple):
    """``ntp`` is the 64-bit NTP timestamp, ``rtp`` the same instant on the media clock."""

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...]


class ReceiverReport(NamedTuple):
    ssrc: int
    blocks: tuple[ReportBlock, ...]


class Bye(NamedTuple):
    ssrcs: tuple[int, ...]


class Nack(NamedTuple):
    """Generic NACK, RFC 4585 section 6.2.1."""

    media_ssrc: int
    sequence_numbers: tuple[int, ...]


class KeyFrameRequest(NamedTuple):
    """PLI (RFC 4585 section 6.3.1) or FIR (RFC 5104 section 4.3.1)."""

    media_ssrc: int


class Remb(NamedTuple):
    """Receiver estimated maximum bitrate, bit/s."""

    bitrate: int
    ssrcs: tuple[int, ...]


class TransportCc(NamedTuple):
    """Transport-wide congestion feedback; ``fci`` is parsed by `transport_cc.parse`."""

    media_ssrc: int
    fci: bytes


Message = SenderReport | ReceiverReport | Bye | Nack | KeyFrameRequest | Remb | TransportCc


def parse(data: bytes) -> list[Message] | None:
    """Parse a compound (or reduced-size) packet; None where it is malformed.

    Unknown packet types are skipped, as RFC 3550 section 6.1 asks.
    """
    messages: list[Message] = []
    pos = 0
    size = len(data)
    for _ in range(MAX_PACKETS_IN_COMPOUND):
        if pos == size:
            return messages
        if pos + 4 > size:
            return None
        first, kind, words = HEADER.unpack_from(data, pos)
        end = pos + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > size:
            return None
        body_end = end
        if first & 0x20:
            padding = data[end - 1] if words else 0
            if not 0 < padding <= 4 * words:
                return None
            body_end -= padding
        body = data[pos + 4 : body_end]
        count = first & 0x1F
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            message = _parse_report(kind, count, body)
            if message is None:
                return None
            messages.append(message)
        elif kind == BYE:
            if len(body) < 4 * count:
                return None
            messages.append(Bye(struct.unpack_from(f"!{count}I", body)))
        elif kind in (TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK):
            if len(body) < 8:
                return None
            feedback = _parse_feedback(kind, count, body)
            if feedback is None:
                return None
            messages.extend(feedback)
        pos = end
    return None


def _parse_report(kind: int, count: int, body: bytes) -> Message | None:
    blocks_at = 24 if kind == SENDER_REPORT else 4
    if len(body) < blocks_at + 24 * count:
        return None
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = REPORT_BLOCK.unpack_from(
            body, blocks_at + 24 * index
        )
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 1 << 24
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
    if kind == SENDER_REPORT:
        ssrc, msw, lsw, rtp, packets, octets = SENDER_INFO.unpack_from(body)
        return SenderReport(ssrc, (msw << 32) | lsw, rtp, packets, octets, tuple(blocks))
    return ReceiverReport(int.from_bytes(body[:4], "big"), tuple(blocks))


def _parse_feedback(kind: int, fmt: int, body: bytes) -> list[Message] | None:
    _, media_ssrc = FEEDBACK_HEADER.unpack_from(body)
    fci = body[8:]
    if kind == TRANSPORT_FEEDBACK:
        if fmt == RTPFB_NACK:
            if len(fci) % 4:
                return None
            return [Nack(media_ssrc, _nacked(fci))]
        if fmt == RTPFB_TRANSPORT_CC:
            return [TransportCc(media_ssrc, fci)]
        return []
    if fmt == PSFB_PLI:
        return [KeyFrameRequest(media_ssrc)]
    if fmt == PSFB_FIR:
        if len(fci) % 8:
            return None
        return [
            KeyFrameRequest(int.from_bytes(fci[at : at + 4], "big")) for at in range(0, len(fci), 8)
        ]
    if fmt == PSFB_APPLICATION and fci[:4] == b"REMB":
        if len(fci) < 8 or len(fci) < 8 + 4 * fci[4]:
            return None
        exponent = fci[5] >> 2
        mantissa = ((fci[5] & 3) << 16) | (fci[6] << 8) | fci[7]
        return [Remb(mantissa << exponent, struct.unpack_from(f"!{fci[4]}I", fci, 8))]
    return []


def _nacked(fci: bytes) -> tuple[int, ...]:
    sequence_numbers: list[int] = []
    for at in range(0, len(fci), 4):
        if len(sequence_numbers) >= MAX_NACKED:
            break
        first, mask = struct.unpack_from("!HH", fci, at)
        sequence_numbers.append(first)
        for bit in range(16):
            if mask >> bit & 1:
                sequence_numbers.append((first + bit + 1) & 0xFFFF)
    return tuple(sequence_numbers)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def build_blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        REPORT_BLOCK.pack(
            b.ssrc,
            (b.fraction_lost << 24) | (max(-0x800000, min(b.packets_lost, 0x7FFFFF)) & 0xFFFFFF),
            b.highest & 0xFFFFFFFF,
            b.jitter & 0xFFFFFFFF,
            b.last_sender_report,
            b.delay_since_last,
        )
        for b in blocks
    )


def build_sender_report(report: SenderReport) -> bytes:
    body = SENDER_INFO.pack(
        report.ssrc,
        report.ntp >> 32,
        report.ntp & 0xFFFFFFFF,
        report.rtp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return _packet(SENDER_REPORT, len(report.blocks), body + build_blocks(report.blocks))


def build_receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """At most 31 blocks fit (five-bit count)."""
    return _packet(RECEIVER_REPORT, len(blocks), ssrc.to_bytes(4, "big") + build_blocks(blocks))


def build_cname(ssrc: int, cname: str) -> bytes:
    """SDES with one CNAME item (RFC 3550 section 6.5)."""
    text = cname.encode()[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes([1, len(text)]) + text
    chunk += bytes(4 - len(chunk) % 4)  # at least one null ends the item list
    return _packet(SOURCE_DESCRIPTION, 1, chunk)


def build_pli(sender_ssrc: int, media_ssrc: int) -> bytes:
    return _packet(PAYLOAD_FEEDBACK, PSFB_PLI, FEEDBACK_HEADER.pack(sender_ssrc, media_ssrc))


def build_nack(sender_ssrc: int, media_ssrc: int, sequence_numbers: Sequence[int]) -> bytes:
    """Pack sorted sequence numbers (in sending order) into PID/BLP pairs."""
    pairs: list[tuple[int, int]] = []
    for seq in sequence_numbers:
        if pairs:
            first, mask = pairs[-1]
            distance = (seq - first) & 0xFFFF
            if 0 < distance <= 16:
                pairs[-1] = (first, mask | 1 << (distance - 1))
                continue
        pairs.append((seq & 0xFFFF, 0))
    fci = b"".join(struct.pack("!HH", first, mask) for first, mask in pairs)
    head = FEEDBACK_HEADER.pack(sender_ssrc, media_ssrc)
    return _packet(TRANSPORT_FEEDBACK, RTPFB_NACK, head + fci)


def build_transport_cc(sender_ssrc: int, media_ssrc: int, fci: bytes) -> bytes:
    head = FEEDBACK_HEADER.pack(sender_ssrc, media_ssrc)
    return _packet(TRANSPORT_FEEDBACK, RTPFB_TRANSPORT_CC, head + fci)


def build_remb(sender_ssrc: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """REMB with an 18-bit mantissa; ``bitrate`` in bit/s is rounded down."""
    exponent = max(0, bitrate.bit_length() - 18)
    mantissa = bitrate >> exponent
    fci = b"REMB" + bytes([len(ssrcs), (exponent << 2) | (mantissa >> 16)])
    fci += (mantissa & 0xFFFF).to_bytes(2, "big") + struct.pack(f"!{len(ssrcs)}I", *ssrcs)
    head = FEEDBACK_HEADER.pack(sender_ssrc, 0)
    return _packet(PAYLOAD_FEEDBACK, PSFB_APPLICATION, head + fci)
