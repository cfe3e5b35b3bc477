"""RTCP packets of a call that the bridge's own RTCP has no use for. Pure."""

from __future__ import annotations

import struct

from bridge.media import rtcp
from bridge.sip.flow.streams import Rewriter

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


def sender_report(rewriter: Rewriter, now: float, wall: float) -> bytes:
    """A sender report of a stream of ours (RFC 3550 section 6.4.1); ``wall`` is UTC seconds."""
    seconds, part = divmod(wall + NTP_EPOCH, 1)
    passed = round((now - rewriter.last_at) * rewriter.clock_rate)
    return rtcp.build_sender_report(
        rtcp.SenderReport(
            rewriter.ssrc,
            int(seconds) << 32 | int(part * (1 << 32)),
            rewriter.last_timestamp + passed,
            rewriter.packets,
            rewriter.octets,
            (),
        )
    )


def full_intra_request(sender: int, media: int, number: int) -> bytes:
    """FIR (RFC 5104 section 4.3.1)."""
    return struct.pack("!BBHIIIB3x", 0x84, 206, 4, sender, 0, media, number)
