"""Viewers in worker processes of their own, fed by relays; and what happens when one dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from bridge.app.process import ControlProcess
from bridge.audience.viewers import Viewer
from bridge.conference import commands as c
from config.audience_schema import RelayHost
from tests.live import support
from tests.live.support import act, only, simulated_points, started
from tests.live.test_watch import POINTS, Player, number
from tests.paths import ROOT
from tests.waiting import HANG, eventually


@contextlib.asynccontextmanager
async def with_audience(state: Path, **served: object) -> AsyncIterator[ControlProcess]:
    """A bridge with two simulated points, and what serves whoever watches."""
    loaded = support.topology(port=0)
    rules = loaded.templates[0].rules.model_copy(update={"audience": "anybody"})
    template = loaded.templates[0].model_copy(update={"rules": rules})
    audience = loaded.bridge.audience.model_copy(update=served)
    topology = loaded.model_copy(
        update={
            "templates": [template, *loaded.templates[1:]],
            "bridge": loaded.bridge.model_copy(update={"audience": audience}),
        }
    )
    process = ControlProcess(
        topology, state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process, simulated_points(process, POINTS):
        await eventually(process.worker.ready.is_set)
        await eventually(lambda: len(process.audience.fleet.loads("", ())) > 0)
        yield process


class Watching:
    """A player that watches again whenever it is told that its worker is gone, as /watch does."""

    def __init__(self, http: aiohttp.ClientSession, endpoint: str) -> None:
        self._http = http
        self._endpoint = endpoint
        self.player = Player()

    async def begin(self) -> None:
        await self.player.watch(self._http, self._endpoint)

    async def until(self, process: ControlProcess, condition: Callable[[Player], object]) -> None:
        """Watch until something is so, again where a busy machine looked like one that is gone."""
        while True:
            await eventually(lambda: condition(self.player) or not list(process.audience.viewers))
            if condition(self.player):
                return
            await self.again()

    async def again(self) -> bool:
        """As the page does: until it is served. Whether it was at once."""
        at_once = True
        async with asyncio.timeout(HANG):
            while True:
                former, self.player = self.player, Player()
                try:
                    await self.begin()
                except AssertionError:  # refused: no worker is there yet
                    at_once = False
                    await asyncio.sleep(1)
                else:
                    return at_once
                finally:
                    await former.close()


async def test_an_audience_has_workers_of_its_own_and_survives_the_end_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # aioice leaves loopback out, and there is nothing else here.
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with with_audience(tmp_path, workers=2) as process, aiohttp.ClientSession() as http:
        fleet = process.audience.fleet
        await eventually(lambda: len(fleet.loads("", ())) == 2)
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        watching = Watching(http, f"{process.url}/api/v1/whep/{conference}")
        await watching.begin()
        await eventually(lambda: number(process, "hoi-truong") in watching.player.seen)
        await act(process, conference, c.Grant(point="an-binh"))
        await eventually(lambda: number(process, "an-binh") in watching.player.seen)
        await eventually(lambda: watching.player.loudest > 300)

        def viewer() -> Viewer | None:
            return next(iter(process.audience.viewers), None)

        first = viewer()
        assert first is not None
        assert not process.control.routes.listeners.viewers, "the points' worker serves none"
        serving = next(m for m in fleet.members if m.name == first.place)
        pid = serving.link.pid  # type: ignore[attr-defined]
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: first.why == "worker")
        told = time.monotonic() - killed
        at_once = await watching.again()
        second = viewer()
        assert second is not None
        # Later the one that was killed may be back, on a busy machine.
        assert second.place != first.place or not at_once, "the other one is there already"
        await eventually(lambda: number(process, "an-binh") in watching.player.seen)
        seen = time.monotonic() - killed
        print(f"worker killed: told after {told:.2f} s, another one's picture after {seen:.2f} s")
        await eventually(lambda: watching.player.loudest > 300)
        await eventually(lambda: len(fleet.loads("", ())) == 2)

        # The points' worker dies: viewers stay where they are, and get a fresh relay.
        process.worker.kill()
        await eventually(lambda: not fleet.relays.up(second.place))
        await eventually(lambda: len(only(process).present) == len(POINTS))
        await eventually(lambda: fleet.relays.up(second.place) == 1)
        watching.player.seen.clear()
        await eventually(lambda: number(process, "an-binh") in watching.player.seen)
        assert viewer() is second
        await watching.player.close()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def relay_process(folder: Path) -> AsyncIterator[tuple[RelayHost, int]]:
    """A worker on what stands for another machine; how the topology names it, and its process."""
    key = folder / "relay.key"
    key.write_text(secrets.token_hex(32))
    host, port = "127.0.0.3", support.free_port(socket.SOCK_STREAM, "127.0.0.3")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.media", "--relay", str(key), "--with-parent"),
        *("--listen", host, "--relay-port", str(port)),
        stdin=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield RelayHost(id="xa", address=host, port=port, key=str(key)), process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_an_audience_on_another_machine_that_falls_silent_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells that a machine has lost its power: only that it says nothing any more."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with (
        relay_process(tmp_path) as (relay, pid),
        with_audience(tmp_path, relays=[relay]) as process,
        aiohttp.ClientSession() as http,
    ):
        fleet = process.audience.fleet
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        watching = Watching(http, f"{process.url}/api/v1/whep/{conference}")
        await watching.begin()
        await watching.until(process, lambda p: number(process, "hoi-truong") in p.seen)
        await watching.until(process, lambda p: p.loudest > 300)
        viewers = [viewer.place for viewer in process.audience.viewers]
        assert set(viewers) <= {"xa"}
        stopped = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        await eventually(lambda: not fleet.ready)  # nobody is sent where nobody is
        print(f"a machine that says nothing is given up after {time.monotonic() - stopped:.2f} s")
        assert not list(process.audience.viewers), "they are told, and come again"
        os.kill(pid, signal.SIGCONT)
        await eventually(lambda: fleet.ready)
        await watching.again()
        await watching.until(process, lambda p: number(process, "hoi-truong") in p.seen)
        await watching.player.close()
