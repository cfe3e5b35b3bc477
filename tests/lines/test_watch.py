"""The watch over the lines, with a control process whose clocks are set by hand."""

from __future__ import annotations

import pytest

from bridge.control.line_quality import LineQuality
from tests.control_support import Bridge
from tests.lines.support import GOOD

POINT = "khoan-du"


async def test_media_counts_as_heard_for_a_while(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch itself: probes of a point that do not come back, and media that did."""
    health = bridge.process.health
    gone = GOOD._replace(reachable=False, up="bad", down="bad")
    media = LineQuality(up="good", down="good", up_loss=0, down_loss=0, rtt_ms=9, at=0)
    monkeypatch.setattr(health, "_look", lambda name, *_: gone if name == POINT else None)
    health.start()
    try:
        health.take_media({POINT: media}, {POINT: bridge.now - 1.5})
        await health.step()
        assert health.quality[POINT].reach == "unknown"
        bridge.pass_time(4.0)
        await health.step()
        assert health.quality[POINT].reach == "no"
    finally:
        health.prober.close()


async def test_where_probes_come_from(bridge: Bridge) -> None:
    health = bridge.process.health
    assert health.senders("10.0.0.1") == ("127.0.12.100",)
    topology = bridge.control.topology.current
    everywhere = {"listen": ["0.0.0.0"], "public": []}  # noqa: S104 - nothing is bound here
    media = topology.bridge.media.model_copy(update=everywhere)
    bridge.control.topology.swap(
        topology.model_copy(update={"bridge": topology.bridge.model_copy(update={"media": media})})
    )
    assert health.senders("192.0.2.10") == ("192.0.2.10",)
