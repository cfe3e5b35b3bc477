"""RTCP of one transport: what a peer's reports mean, and what the bridge reports to it."""

from __future__ import annotations

from bridge.media import redundancy, rtcp, transport_cc
from bridge.media.congestion.reader import Reading
from bridge.media.counters import Counters, Drop
from bridge.media.fanout import retransmit
from bridge.media.layer import VIDEO_RING, Layer
from bridge.media.routing import Router
from bridge.media.rtcp import ReportBlock
from bridge.media.slot import SR_KEPT, Slot
from bridge.media.srtp import SrtpError
from bridge.media.transport import (
    REPORT_SSRC,
    RTX_BURST,
    RTX_BURST_PACKETS,
    RTX_SHARE,
    Transport,
)

RTX_REPEAT = 0.01  # seconds in which one packet is not retransmitted twice
RTX_OF_WEAK = 0.1  # seconds of its estimate that a weak line gets repaired at once
RTX_LEAST = 0.1  # of the octets sent: what repair may cost a weak line that loses nothing itself
RTX_MEMORY = 1024  # sequence numbers of recent retransmissions kept per slot
MAX_BLOCKS = 31  # report blocks in one packet, RFC 3550 section 6.4.1
NTP_EPOCH = 2208988800  # seconds from 1900 to 1970
MAX_RTT = 10.0  # seconds; more is a forged or broken report


def ntp_time(unix_time: float) -> int:
    """Seconds since 1970 as a 64-bit NTP timestamp (32.32)."""
    return int((unix_time + NTP_EPOCH) * (1 << 32))


def unseal(data: bytes, transport: Transport, counters: Counters) -> list[rtcp.Message] | None:
    """Open and parse a compound; None, and counted why, where it is not used."""
    inbound = transport.inbound
    if inbound is None:
        counters.drop(Drop.BEFORE_DTLS)
        return None
    if not transport.reports.take(len(data)):
        counters.drop(Drop.RTCP_RATE)
        return None
    try:
        packet = inbound.unprotect_rtcp(data)
    except SrtpError:
        transport.reports.give_back(len(data))
        counters.drop(Drop.SRTCP_REJECTED)
        return None
    parsed = rtcp.parse(packet)
    if parsed is None:
        counters.drop(Drop.RTCP_MALFORMED)
    return parsed


def handle(
    messages: list[rtcp.Message],
    transport: Transport,
    router: Router,
    counters: Counters,
    ready: list[Transport],
    now: float,
    unix_time: float,
) -> None:
    """Act on a parsed compound from ``transport``. Retransmissions are queued in ``ready``."""
    for message in messages:
        match message:
            case rtcp.SenderReport():
                _sender_report(message, transport, now, unix_time)
                _blocks(message.blocks, transport, now)
            case rtcp.ReceiverReport():
                _blocks(message.blocks, transport, now)
            case rtcp.Nack():
                slot = transport.slots_by_ssrc.get(message.media_ssrc)
                if slot is not None and slot.rtx_ssrc:
                    _nack(slot, message.sequence_numbers, counters, ready, now)
            case rtcp.KeyFrameRequest():
                counters.key_frame_requests_received += 1
                slot = transport.slots_by_ssrc.get(message.media_ssrc)
                if slot is not None:
                    slot.key_frame_requests += 1
                    router.ask(slot, now)
            case rtcp.Remb():
                counters.remb_received += 1
                transport.remb = message.bitrate
                if transport.estimator is not None and not transport.cc_word:
                    transport.estimator.heard_remb(message.bitrate, now)
            case rtcp.TransportCc():
                _transport_cc(message.fci, transport, counters, now)
            case rtcp.Bye():
                pass  # media simply stops; the layer goes idle by itself


def _transport_cc(fci: bytes, transport: Transport, counters: Counters, now: float) -> None:
    estimator = transport.estimator
    if estimator is not None and not estimator.admit(now):
        counters.drop(Drop.FEEDBACK_RATE)
        return
    if estimator is not None and transport.cc_word:
        read = estimator.reader.read(fci)
    else:
        read = _unused(fci)
    if read is None:
        counters.drop(Drop.RTCP_MALFORMED)
        return
    counters.transport_cc_received += 1
    if not read.covers:
        return
    transport.downlink_loss += (read.missing / read.covers - transport.downlink_loss) * 0.1
    if estimator is not None:
        estimator.feedback(read, transport.rtt, now)
        counters.feedback_repeated += read.repeated
        counters.feedback_unknown += read.unknown


def _unused(fci: bytes) -> Reading | None:
    """Feedback that nothing is estimated from."""
    found = transport_cc.parse(fci)
    if found is None:
        return None
    return Reading(len(found.arrivals), found.arrivals.count(None), 0, 0, 0, 0, [])


def _sender_report(
    message: rtcp.SenderReport, transport: Transport, now: float, unix_time: float
) -> None:
    layer = transport.layers.get(message.ssrc)
    if layer is None:
        return
    layer.sr_ntp = message.ntp
    layer.sr_rtp = message.rtp
    layer.sr_at = now
    # One offset per peer, so that its sound and picture keep their relation; the smallest
    # seen, because network delay only ever makes it larger.
    offset = ntp_time(unix_time) - message.ntp
    if (
        transport.ntp_offset is None
        or offset < transport.ntp_offset
        or offset - transport.ntp_offset > 1 << 31
    ):
        transport.ntp_offset = offset


def _blocks(blocks: tuple[ReportBlock, ...], transport: Transport, now: float) -> None:
    sent = lost = 0
    for block in blocks:
        slot = transport.slots_by_ssrc.get(block.ssrc)
        if slot is None:
            continue
        of_ours = slot.lost_of_ours(block.packets_lost)
        sent += of_ours[0]
        lost += of_ours[1]
        slot.receiver_loss = block.fraction_lost / 256
        slot.lost = max(slot.lost, block.packets_lost)
        reported = slot.sr_sent.get(block.last_sender_report)
        if reported is not None and block.last_sender_report:
            rtt = now - reported - block.delay_since_last / 65536
            if 0 <= rtt < MAX_RTT:
                transport.rtt = rtt if not transport.rtt else transport.rtt * 0.8 + rtt * 0.2
    if sent and transport.estimator is not None and not transport.cc_word:
        transport.estimator.heard_loss(sent - lost, lost, now)


def _nack(
    slot: Slot,
    sequence_numbers: tuple[int, ...],
    counters: Counters,
    ready: list[Transport],
    now: float,
) -> None:
    transport = slot.transport
    counters.nacks_received += len(sequence_numbers)
    slot.nacks += len(sequence_numbers)
    if len(slot.rtx_sent) > RTX_MEMORY:
        slot.rtx_sent.clear()
    wait = max(RTX_REPEAT, transport.rtt * 0.5)
    newest = slot.newest
    for place, sequence_number in enumerate(sequence_numbers):
        if transport.rtx_credit <= 0 or transport.rtx_packet_credit < 1:
            counters.drop(Drop.RTX_BUDGET, len(sequence_numbers) - place)
            return
        if (newest - sequence_number) & 0xFFFF >= VIDEO_RING:  # no ring reaches so far back
            counters.drop(Drop.RTX_MISSING)
            continue
        if now - slot.rtx_sent.get(sequence_number, -1e9) < wait:
            continue
        octets = retransmit(slot, sequence_number, ready)
        if not octets:
            counters.drop(Drop.RTX_MISSING)
            continue
        slot.rtx_sent[sequence_number] = now
        transport.rtx_credit -= octets
        transport.rtx_packet_credit -= 1
        counters.rtx_out += 1
        slot.rtx += 1


def refill_rtx(transport: Transport) -> None:
    """Grant repair its share of what was sent since the last call, in octets and in packets."""
    octets = sum(slot.octets for slot in transport.slots.values())
    packets = sum(slot.packets for slot in transport.slots.values())
    share, burst = RTX_SHARE, float(RTX_BURST)
    estimator = transport.estimator
    if transport.weak and estimator is not None and estimator.estimate:
        # What overflowed a full line fills it again when it is repeated: only what the line loses
        # anyway is repaired in full.
        share = min(RTX_SHARE, RTX_LEAST + 1.5 * estimator.loss.own)
        burst = min(burst, estimator.estimate / 8 * RTX_OF_WEAK)
    credit = transport.rtx_credit + (octets - transport.octets_granted) * share
    transport.rtx_credit = min(credit, burst)
    credit = transport.rtx_packet_credit + (packets - transport.packets_granted) * RTX_SHARE
    transport.rtx_packet_credit = min(credit, float(RTX_BURST_PACKETS))
    transport.octets_granted, transport.packets_granted = octets, packets


def reports(transport: Transport, now: float) -> list[bytes]:
    """Build the periodic compounds: sender reports of the slots, then receiver reports."""
    parts: list[bytes] = []
    for slot in transport.slots.values():
        report = _slot_report(slot, now)
        if report is not None:
            parts.append(report)
            if len(parts) == MAX_BLOCKS:
                break
    blocks = [
        redundancy.hinted(layer.report(now), layer)
        for layer in transport.layers.values()
        if layer.received
    ]
    receiver = rtcp.build_receiver_report(REPORT_SSRC, blocks[:MAX_BLOCKS])
    compounds = []
    for at in range(0, len(parts), 20):  # 20 sender reports fill 560 octets
        chunk = parts[at : at + 20]
        ssrc = int.from_bytes(chunk[0][4:8], "big")
        compounds.append(b"".join(chunk) + rtcp.build_cname(ssrc, transport.cname))
    compounds.append(receiver + rtcp.build_cname(REPORT_SSRC, transport.cname))
    return compounds


def _slot_report(slot: Slot, now: float) -> bytes | None:
    """Translate the source's sender report: its instant on the bridge's clock, its RTP time
    on the slot's."""
    layer = slot.layer
    if layer is None or not layer.sr_at:
        return None
    offset = layer.source.transport.ntp_offset
    if offset is None:
        return None
    ntp = (layer.sr_ntp + offset) & 0xFFFFFFFFFFFFFFFF
    middle = ntp >> 16 & 0xFFFFFFFF
    slot.sr_sent[middle] = now
    while len(slot.sr_sent) > SR_KEPT:
        del slot.sr_sent[next(iter(slot.sr_sent))]
    return rtcp.build_sender_report(
        rtcp.SenderReport(
            slot.ssrc, ntp, layer.sr_rtp + slot.ts_offset, slot.packets, slot.octets, ()
        )
    )


def pli_compound(layer: Layer) -> bytes:
    """Ask for a key frame of a layer."""
    report = rtcp.build_receiver_report(REPORT_SSRC, ())
    return report + rtcp.build_pli(REPORT_SSRC, layer.ssrc)


def nack_compound(layer: Layer, due: list[int]) -> bytes:
    """A receiver report without blocks, then the NACK (RFC 4585 section 3.1)."""
    empty = rtcp.build_receiver_report(REPORT_SSRC, ())
    return empty + rtcp.build_nack(REPORT_SSRC, layer.ssrc, due)
