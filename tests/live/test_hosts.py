"""Two hosts of one bridge as processes, on a PostgreSQL: one leads, and the other is there when it
is killed, stopped, or told to end. No moment is compared with a bound."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from bridge.app.turn import ALIKE
from tests import databases
from tests.live.served import Served
from tests.live.support import free_port, reflector_port
from tests.waiting import HANG

TAKEOVER = 12.0  # seconds: a busy machine stops nobody for so long


@contextlib.asynccontextmanager
async def two_hosts(folder: Path, database: str) -> AsyncIterator[tuple[Served, Served]]:
    """Host a leads; b has its keys, and waits."""
    ports = {name: free_port(socket.SOCK_STREAM, "127.0.0.1") for name in "ab"}
    known = [{"id": name, "url": f"http://127.0.0.1:{port}"} for name, port in ports.items()]
    made, probes = [], reflector_port()
    for name, port in ports.items():
        (folder / name).mkdir()
        hosts = {"this": name, "takeover": TAKEOVER, "all": known}
        made.append(Served(folder / name, database, port=port, hosts=hosts, probes=probes))
    a, b = made
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as http:
        for host in made:
            host.http = http
        try:
            await a.start()
            b.state.mkdir(mode=0o700)
            for file in ALIKE:
                shutil.copy2(a.state / file, b.state / file)
            await b.start(wait=False)
            await says_who_leads(b, a.url)
            yield a, b
        finally:
            for host in made:
                if host.process is not None and host.process.returncode is None:
                    for child in children_of(host.process.pid):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(child, signal.SIGCONT)
                await host.stop()


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return [int(child) for child in found.split()]


async def says_who_leads(host: Served, leader: str) -> None:
    """Wait until a host refuses with the leader's address."""
    async with asyncio.timeout(HANG):
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with host.http.get(f"{host.url}/healthz") as response:
                    said = await response.json()
                    if response.status == 503 and said.get("detail") == leader:
                        assert said["type"] == "/problems/http.not_leader"
                        return
            await asyncio.sleep(0.05)


async def opened(host: Served) -> str:
    made = await host.call("POST", "/conferences", {"template": "giao-ban", "start": True})
    return str(made["conference"])


async def test_the_other_leads_when_the_leader_is_told_to_end(
    tmp_path: Path, postgres: str
) -> None:
    async with two_hosts(tmp_path, databases.new_database(postgres)) as (a, b):
        conference = await opened(a)
        async with a.http.ws_connect(f"{b.url}/api/v1/ws") as refused:
            await refused.receive()
            assert refused.close_code == 4421
        await a.stop()
        await b.healthy()
        assert (await b.state_of(conference))["phase"] == "live"
        await a.start(wait=False)
        await says_who_leads(a, b.url)


async def test_a_leader_that_was_stopped_leads_no_more(tmp_path: Path, postgres: str) -> None:
    """SIGSTOP in the middle of commands: what was acknowledged is there; and when it goes on it
    refuses, begins anew, and waits."""
    async with two_hosts(tmp_path, databases.new_database(postgres)) as (a, b):
        conference = await opened(a)
        acknowledged = 0
        some = asyncio.Event()

        async def direct() -> None:
            nonlocal acknowledged
            while True:
                text = str(acknowledged + 1)
                await a.command(conference, {"type": "banner", "text": text})
                acknowledged += 1
                if acknowledged == 5:
                    some.set()

        directing = asyncio.create_task(direct())
        async with asyncio.timeout(HANG):
            await some.wait()
        assert a.process is not None
        (child,) = children_of(a.process.pid)
        os.kill(child, signal.SIGSTOP)
        try:
            await b.healthy()
        finally:
            directing.cancel()
            await asyncio.gather(directing, return_exceptions=True)
        banner = (await b.state_of(conference))["banner"]
        assert int(banner["text"] if isinstance(banner, dict) else banner) >= acknowledged
        before = (await b.state_of(conference))["seq"]
        os.kill(child, signal.SIGCONT)
        await says_who_leads(a, b.url)
        taken = await b.command(conference, {"type": "banner", "text": "b"})
        banners = await b.events_since(conference, before, "banner")
        assert [line["seq"] for line in banners] == [taken]


async def test_a_host_without_the_keys_of_the_other_is_refused(
    tmp_path: Path, postgres: str
) -> None:
    async with two_hosts(tmp_path, databases.new_database(postgres)) as (_, b):
        await b.stop()
        (b.state / "keys.yaml").unlink()
        process = await asyncio.create_subprocess_exec(
            *b.start_line, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(HANG):
            said = (await process.communicate())[1].decode()
        assert process.returncode == 1
        assert "keys.yaml" in said
        assert "copy these files" in said
        assert not (b.state / "keys.yaml").exists()
