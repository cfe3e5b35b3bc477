"""The metrics of the media worker."""

from __future__ import annotations

from bridge.media import messages as m
from tests.control_support import Bridge
from tests.telemetry.support import POINT, snapshot, stats, transport


async def test_the_worker_and_its_transports(watched: Bridge) -> None:
    found = transport("t1", packets=100, label=POINT)
    watched.process.meters.take_worker(
        stats(found, transport("t2", packets=1, label="an-binh")),
        "0",
        "w",
        watched.control.topology.points,
    )
    text = snapshot(watched)
    assert text.value("worker_packets_forwarded_total", "0") == 100
    assert text.value("worker_packets_dropped_total", "0", "empty") == 2
    assert text.value("transports", "connected") == 2
    assert text.value("worker_spare_ready") == 0, "none is started where nothing is started"
    assert text.value("media_packets_total", POINT, "up", "video") == 100
    assert text.value("media_layer", POINT, "up") == 1
    assert text.value("media_layer", POINT, "down") == 1
    # One that is just being closed is no state to be shown, and no reason for a gap.
    closing = m.TransportStats(
        transport="t3",
        label="x",
        state="closed",
        rtt_ms=0,
        remb=0,
        downlink_loss=0,
        allocation=0,
        sources=(),
        slots=(),
    )
    watched.process.meters.take_worker(stats(closing), "0", "w", watched.control.topology.points)
    assert snapshot(watched).value("worker_uptime_seconds", "0") == 1


async def test_the_hosts_that_could_lead(watched: Bridge) -> None:
    assert snapshot(watched).value("hosts") == 1
    assert snapshot(watched).value("hosts_waiting") == 0
    watched.process.meters.hosts_wait(2)
    assert snapshot(watched).value("hosts_waiting") == 2
