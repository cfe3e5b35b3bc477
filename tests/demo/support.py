"""Reports and counters for the demo's findings."""

from __future__ import annotations

from typing import Any

from bridge.demo.findings import Findings
from bridge.media import messages as m
from bridge.signalling.protocol import SlotReport


def report(slot: str, point: str, **figures: Any) -> SlotReport:
    """What a receiver reports of one slot."""
    return SlotReport(slot=slot, point=point, **figures)


def stats(uptime: float, packets: int, cpu: float) -> m.Stats:
    """A worker's counters after ``uptime`` seconds."""
    return m.Stats(
        request=1,
        uptime=uptime,
        cpu_seconds=cpu,
        rss_bytes=50 << 20,
        loop_lag_ms=0.0,
        gso=True,
        counters={"packets_out": packets},
        delay_us=(200.0, 900.0, 1500.0),
        transports=(),
    )


def stands(findings: Findings) -> dict[str, str]:
    """A thumbnail slot for every point, in their order."""
    return {f"thumb:{n + 1}": point for n, point in enumerate(sorted(findings.points))}


def see_and_hear_everything(findings: Findings) -> None:
    """Every point sees and hears every other one, at once."""
    for n, source in enumerate(sorted(findings.points)):
        findings.took(source, float(n))
        for receiver in sorted(findings.points - {source}):
            seen = report(f"thumb:{n + 1}", source, first_frame_ms=100.0, latency_ms=60.0)
            findings.add(receiver, seen, stands(findings))
            seen = report("programme", source, since=n + 0.25, latency_ms=70.0)
            findings.add(receiver, seen, {})
            findings.add(receiver, report("audio:0", source), {})
