"""Probes and padding: traffic that tells what a line carries. It goes out on the retransmission
stream of a video slot, with fresh numbers of that stream, so no nonce is used twice."""

from __future__ import annotations

from bridge.media.fanout import build_header, retransmit, seal_one
from bridge.media.meter import WIRE
from bridge.media.rtp import PADDING_BIT
from bridge.media.slot import Slot
from bridge.media.transport import Transport

AROUND = WIRE + 2  # octets: a repeated packet also has its first number
PADDING = 255  # octets of padding, the most that its last octet can tell (RFC 3550 section 5.1)
MOST = 64  # packets of one call
BACK = 16  # of the newest packets of a slot are repeated


def pad(transport: Transport, octets: int, ready: list[Transport]) -> int:
    """Send about ``octets`` (with all headers) beside the media; return how many packets. The
    newest packets are repeated, so that a loss may be repaired by the way; where there is none
    that fits, padding alone is sent."""
    slots = [slot for slot in transport.slots.values() if slot.rtx_ssrc and slot.rtx_payload_type]
    if not slots or transport.outbound is None or transport.state != "connected":
        return 0
    count = 0
    back = 0
    for _ in range(MOST):
        if octets <= 0:
            break
        slot = slots[count % len(slots)]
        sent = 0
        if slot.layer is not None and octets >= PADDING:
            sent = retransmit(slot, slot.newest - back % BACK & 0xFFFF, ready, at_most=octets + 200)
            back += 1
        if not sent:
            sent = _padding_only(slot, min(PADDING, max(octets, 32)), ready)
        octets -= sent + AROUND
        count += 1
    return count


def _padding_only(slot: Slot, size: int, ready: list[Transport]) -> int:
    """A packet of the retransmission stream with nothing but padding."""
    transport = slot.transport
    index = slot.rtx_index
    slot.rtx_index = index + 1
    head = PADDING_BIT << 24 | slot.rtx_payload_type << 16
    header = build_header(transport, head, index, slot.last_timestamp, slot.rtx_ssrc)
    if not transport.out and not transport.todo:
        ready.append(transport)
    body = bytes(size - 1) + bytes((size,))
    seal_one(transport, slot.rtx_nonce_base, index, header, body)
    return size
