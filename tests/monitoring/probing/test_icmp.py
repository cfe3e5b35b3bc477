from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from monitoring.probing import icmp, stamp
from monitoring.probing.session import Probe


class FakeError(Exception):
    pass


class FakeLibrary:
    """As much of icmplib as is used."""

    ICMPLibError = FakeError

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def async_ping(self, host: str, **_: Any) -> SimpleNamespace:
        self.asked.append(host)
        if host == "192.0.2.9":
            raise FakeError
        return SimpleNamespace(rtts=[12.5])


def test_echoes_are_counted_and_an_outage_is_no_loss() -> None:
    probe = Probe(stamp.Style(), stateful=False)
    probe.started = 0.0
    for n in range(10):
        icmp.count(probe, None if n == 4 else 0.02, float(n))
    assert (probe.down.expected, probe.down.lost, probe.up.lost) == (10, 1, 1)
    assert probe.reachable(10.0) is True
    for n in range(10, 40):
        icmp.count(probe, None, float(n))
    assert probe.reachable(40.0) is False
    lost = probe.down.lost
    icmp.count(probe, 0.02, 41.0)
    assert probe.reachable(41.0) is True
    assert probe.outage_seconds == pytest.approx(32.0)
    assert probe.down.lost == lost <= 5
    delays = probe.delays(41.0, 60)
    assert delays is not None
    assert delays.round_trip[0] == pytest.approx(20)
    assert (delays.down, delays.up) == (None, None)


async def test_hosts_are_asked_and_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setattr(icmp, "_library", lambda: library)
    echoes = icmp.Echoes()
    echoes.set_hosts({"a@router": "192.0.2.8", "b@router": "192.0.2.9"})
    for _ in range(20):
        await asyncio.sleep(0)
    assert set(library.asked) == {"192.0.2.8", "192.0.2.9"}
    assert echoes.sessions("a@router")["icmp"].down.expected == 1
    assert echoes.sessions("b@router")["icmp"].last_reply is None
    echoes.set_hosts({"a@router": "192.0.2.8"})
    assert echoes.sessions("b@router") == {}
    assert echoes.sessions("a@router")["icmp"].last_reply is not None
    tasks = list(echoes._tasks.values())
    echoes.close()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_the_library_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(icmp, "_library", lambda: None)
    echoes = icmp.Echoes()
    echoes.set_hosts({"a@router": "192.0.2.8"})
    echoes.set_hosts({"a@router": "192.0.2.7"})
    assert echoes.sessions("a@router") == {}
    assert caplog.text.count("pip install icmplib") == 1
