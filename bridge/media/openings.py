"""Which transports and taps a worker opens."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.media import messages as m
from bridge.media.parts import MAX_TRANSPORTS
from bridge.media.tap import Tap
from bridge.media.transport import REPORT_SSRC, Transport

MAX_TAPS = 16  # each may hold some megabytes that its reader has not taken


def refusal(spec: m.Open | m.OpenTap, transports: Mapping[str, Transport]) -> str:
    """Why a transport is not opened; "" where it is."""
    if spec.transport in transports:
        return f"Transport {spec.transport!r} exists already."
    if len(transports) >= MAX_TRANSPORTS:
        return f"The worker holds {MAX_TRANSPORTS} transports, its limit."
    ssrcs = [s.ssrc for s in spec.slots] + [s.rtx_ssrc for s in spec.slots if s.rtx_ssrc]
    if len(set(ssrcs)) != len(ssrcs) or REPORT_SSRC in ssrcs or 0 in ssrcs:
        return "SSRCs of slots must differ, and 0 and 1 are reserved."
    if isinstance(spec, m.OpenTap):
        taps = [t for t in transports.values() if isinstance(t, Tap)]
        if len(taps) >= MAX_TAPS:
            return f"The worker holds {MAX_TAPS} taps, its limit."
        if any(tap.path == spec.path for tap in taps):
            return "Another tap has this path."
        if any(s.rtx_ssrc or s.rtx_payload_type or s.red_payload_type for s in spec.slots):
            return "A tap repeats nothing: its slots have no RTX and no redundant audio."
    return ""
