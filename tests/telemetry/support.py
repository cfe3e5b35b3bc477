"""What tests of the metrics share."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bridge.control.line_quality import LineQuality, Mark
from bridge.media import messages as m
from monitoring.exposition.snapshot import Snapshot
from tests.control_support import Bridge

POINT = "khoan-du"


def quality(level: str = "good", **changes: Any) -> LineQuality:
    values: dict[str, Any] = {
        "up": level,
        "down": level,
        "up_loss": 0.0,
        "down_loss": 0.0,
        "rtt_ms": 1.0,
        "at": 1.0,
        "reach": "yes",
        "marks": {"ef": Mark(46, 46, 46)},
    }
    return LineQuality(**(values | changes))


def snapshot(bridge: Bridge) -> Snapshot:
    return bridge.process.collector.snapshot()


def transport(
    ident: str, *, packets: int, shows: str = "camera", label: str = "an-binh"
) -> m.TransportStats:
    source: dict[str, Any] = {
        "rid": "",
        "octets": 10 * packets,
        "lost": 5,
        "recovered": 2,
        "nacked": 7,
        "unrepaired": 3,
        "jitter_ms": 0.0,
        "active": True,
        "key_frame_requests": 1,
    }
    return m.TransportStats(
        transport=ident,
        label=label,
        state="connected",
        rtt_ms=1.0,
        remb=0,
        downlink_loss=0.0,
        allocation=0,
        sources=(
            m.SourceStats(name="camera", packets=packets, **source),
            m.SourceStats(name="microphone", packets=packets, **source),
        ),
        slots=(
            m.SlotStats(
                name="programme",
                packets=packets,
                octets=packets,
                receiver_loss=0,
                shows=shows,
                lost=1,
            ),
            m.SlotStats(
                name="thumb:x", packets=packets, octets=packets, receiver_loss=0, shows="camera"
            ),
            m.SlotStats(
                name="audio:0",
                packets=packets,
                octets=packets,
                receiver_loss=0,
                kind="audio",
                shows="microphone",
            ),
        ),
    )


def stats(*transports: m.TransportStats, **changes: Any) -> m.Stats:
    found = m.Stats(
        request=1,
        uptime=1.0,
        cpu_seconds=1.5,
        rss_bytes=1,
        loop_lag_ms=0.0,
        gso=True,
        counters={"packets_out": 100, "dropped.empty": 2},
        delay_us=(0.0, 0.0, 0.0),
        transports=transports,
        delay_counts=(1,) * 9,
        delay_sum=0.5,
    )
    return replace(found, **changes)
