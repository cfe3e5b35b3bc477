"""The quality of points' media, both directions apart."""

from __future__ import annotations

from bridge.lines.media_quality import MediaQuality
from bridge.media import messages as m


def test_both_directions_of_a_point_are_apart() -> None:
    lines = MediaQuality()

    def stats(seconds: float) -> m.Stats:
        packets = int(seconds * 100)
        source = m.SourceStats(
            name="camera",
            rid="q",
            packets=packets,
            octets=0,
            lost=0,
            recovered=0,
            nacked=0,
            unrepaired=0,
            jitter_ms=0,
            active=True,
        )
        slot = m.SlotStats(name="programme", packets=packets, octets=0, receiver_loss=0)
        transport = m.TransportStats(
            transport="t",
            label="khoan-du",
            state="connected",
            rtt_ms=12,
            remb=0,
            downlink_loss=0.05,
            allocation=0,
            sources=(source,),
            slots=(slot,),
        )
        console = m.TransportStats(
            transport="u",
            label="session:1",
            state="connected",
            rtt_ms=1,
            remb=0,
            downlink_loss=0,
            allocation=0,
            sources=(),
            slots=(),
        )
        return m.Stats(
            request=0,
            uptime=seconds,
            cpu_seconds=0,
            rss_bytes=0,
            loop_lag_ms=0,
            gso=True,
            counters={},
            delay_us=(0, 0, 0),
            transports=(transport, console),
        )

    found = {}
    for second in range(0, 50, 2):
        found = lines.feed(stats(second), second, second)
    assert set(found) == {"khoan-du"}
    line = found["khoan-du"]
    assert (line.up, line.down, line.rtt_ms) == ("good", "poor", 12)
