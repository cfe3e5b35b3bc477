"""The outcome of a run of the demo, as a document (docs/performance.md) and as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.demo.findings import Findings, Forwarding
from monitoring.statistics import percentile


def document(
    findings: Findings,
    forwarding: Forwarding,
    connected: int,
    recording: dict[str, Any] | None = None,
    audience: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The report that ``--report`` writes; ``connected`` is how many points are in conferences,
    ``recording`` what came of a recording, where there was to be one, ``audience`` what viewers
    saw, where there were any."""
    count, expected = len(findings.points), findings.expected
    p50, p99 = forwarding.delay_us
    recorded = recording is None or recording["ok"]
    watched = audience is None or audience["ok"]
    return {
        "points": count,
        "connected": connected,
        "pictures": {"expected": expected, "verified": len(findings.pictures)},
        "sounds": {"expected": expected, "verified": len(findings.sounds)},
        "missing": findings.missing(),
        "first_frame_ms": spread(findings.first_frame_ms.values()),
        "latency_ms": spread(findings.latency_ms),
        "switch_ms": spread(findings.switched_ms.values()),
        "forwarding": {
            "packets": forwarding.packets,
            "packets_per_second": round(forwarding.rate, 1),
            "cpu_us_per_packet": round(forwarding.cpu_us_per_packet, 2),
            "delay_us": {"p50": p50, "p99": p99},
            "rss_bytes": forwarding.rss_bytes,
        },
        **({} if recording is None else {"recording": recording}),
        **({} if audience is None else {"audience": audience}),
        "ok": connected == count and findings.complete() and recorded and watched,
    }


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """p50 and p95; None where nothing was measured (two points have nothing to switch)."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p95": None}
    return {
        "p50": round(percentile(ordered, 0.5), 1),
        "p95": round(percentile(ordered, 0.95), 1),
    }


def sentence(outcome: dict[str, Any], *, measured: bool = True) -> str:
    """What a `document` says, for people. A run that was not ``measured`` waits for somebody to
    start a conference, who may not have done so."""
    pictures, sounds = outcome["pictures"], outcome["sounds"]
    if not measured and not pictures["verified"]:
        return "The demo has ended; no conference was held."
    return (
        f"{outcome['connected']} of {outcome['points']} points connected, "
        f"{pictures['verified']} of {pictures['expected']} pictures and "
        f"{sounds['verified']} of {sounds['expected']} sounds verified by decoding; "
        f"first frame p95 {_ms(outcome['first_frame_ms']['p95'])}, "
        f"take to picture p95 {_ms(outcome['switch_ms']['p95'])}, "
        f"picture delay p50 {_ms(outcome['latency_ms']['p50'])}, "
        f"{outcome['forwarding']['cpu_us_per_packet']:.1f} µs CPU a packet."
        + _recording(outcome.get("recording"))
    )


def _recording(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["problem"]:
        return f" There is no recording: {found['problem']}."
    checksum = "" if found["sha256_verified"] else "; its checksum is NOT that of the log"
    return (
        f" A recording of {found['seconds']:.0f} s was read back: {found['pictures']} of its "
        f"{found['takes']} takes seen and {found['sounds']} heard, take to picture p95 "
        f"{_ms(found['take_ms']['p95'])}{checksum}."
    )


def _ms(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.0f} ms"
