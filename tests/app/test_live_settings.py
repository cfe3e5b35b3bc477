"""Webhooks, the collector of security events and the metrics follow the topology while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.accounts.syslog import Line
from bridge.app.live_settings import LiveSettings
from bridge.server.metrics_listener import MetricsListener
from bridge.server.webhooks import Delivery
from config.schema import Bridge, MetricsPort, Webhook
from config.security_schema import Syslog
from tests.control_support import TOPOLOGY
from tests.waiting import eventually


class Deliveries:
    """Counts deliveries that run."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.running: list[str] = []

    async def run(self, hook: Webhook) -> None:
        self.begun.append(hook.url)
        self.running.append(hook.url)
        try:
            await asyncio.Event().wait()
        finally:
            self.running.remove(hook.url)


class Listener:
    def __init__(self) -> None:
        self.url = "http://x"
        self.moves: list[MetricsPort] = []

    async def start(self, _: object) -> None: ...

    async def stop(self) -> None: ...

    async def move(self, config: MetricsPort, _: object) -> None:
        self.moves.append(config)
        self.url = "" if config.port == 1 else "http://x"


def hook(ident: str, url: str) -> Webhook:
    return Webhook(id=ident, url=url, secret="s" * 20)


def bridge(**changes: Any) -> Bridge:
    return TOPOLOGY.bridge.model_copy(update=changes)


class Running:
    def __init__(self, folder: Path) -> None:
        self.deliveries, self.listener = Deliveries(), Listener()
        self.settings = LiveSettings(
            bridge(), folder, folder, lambda: None, cast("Delivery", self.deliveries)
        )


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    await made.settings.start(bridge(), cast("MetricsListener", made.listener))
    yield made
    await made.settings.stop()
    assert made.deliveries.running == []


async def test_a_webhook_begins_changes_and_ends(running: Running) -> None:
    settings, deliveries = running.settings, running.deliveries
    one, two = hook("a", "http://127.0.0.1/1"), hook("b", "http://127.0.0.1/2")
    await settings.apply(bridge(webhooks=[one, two]))
    await eventually(lambda: deliveries.running == [one.url, two.url])
    moved = hook("b", "http://127.0.0.1/3")
    await settings.apply(bridge(webhooks=[one, moved]))
    await eventually(lambda: deliveries.running == [one.url, moved.url])
    assert deliveries.begun.count(one.url) == 1, "the unchanged one went on"
    await settings.apply(bridge())
    await eventually(lambda: deliveries.running == [])
    assert settings.healthy


async def test_the_collector_is_another_one_at_once(running: Running) -> None:
    received: list[bytes] = []

    class Collector(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            received.append(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Collector, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    line = Line(1.0, "user:lan", "", "login", "", "done")
    running.settings.note(line)  # nobody collects yet
    await running.settings.apply(bridge(syslog=Syslog(address="127.0.0.1", port=port)))
    running.settings.note(line)
    await eventually(lambda: len(received) == 1)
    await running.settings.apply(bridge())
    running.settings.note(line)
    transport.close()


async def test_metrics_move_only_where_they_changed(running: Running) -> None:
    settings, listener = running.settings, running.listener
    assert await settings.apply(bridge()) == []
    assert listener.moves == []
    assert await settings.apply(bridge(metrics=MetricsPort(port=1))) == ["api.metrics_not_served"]
    assert await settings.apply(bridge(metrics=MetricsPort(port=2))) == []
    assert [config.port for config in listener.moves] == [1, 2]
