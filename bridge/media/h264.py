"""Where a decoder can start in H.264 payloads (RFC 6184, packetization mode 1)."""

from __future__ import annotations

NAL_SPS, NAL_PPS = 7, 8
NAL_STAP_A = 24
NAL_FU_A = 28


def is_key_frame_start(payload: bytes) -> bool:
    """True where a decoder can start: an SPS, alone, in a STAP-A or at an FU-A's start.

    Senders put SPS and PPS before every IDR picture; an IDR slice without them would leave
    a new receiver without parameter sets, so it does not count.
    """
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == NAL_SPS:
        return True
    if kind == NAL_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == NAL_SPS
    if kind == NAL_STAP_A:
        pos = 1
        while pos + 2 < len(payload):
            if payload[pos + 2] & 0x1F == NAL_SPS:
                return True
            pos += 2 + (payload[pos] << 8 | payload[pos + 1])
    return False
