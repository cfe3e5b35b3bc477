"""The gateway's process is kept running: one that dies is started again, one that hangs is ended,
by whichever control process; it follows the topology, and ends with the last codec."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.app import sip_gateway
from bridge.app.sip_gateway import SipGateway
from bridge.telemetry.gateway_figures import GatewayFigures
from config.schema import Topology
from config.sip_schema import SipGateway as Listening
from config.sip_schema import SipPoint
from tests.live.sip_bridges import CODEC, GATEWAY
from tests.live.support import free_port, topology
from tests.waiting import HANG, eventually


def with_codec(port: int, *, there: bool = True) -> Topology:
    """The demo's topology with a codec, or without one."""
    made = topology()
    described = SipPoint(uri="sip:codec@127.0.0.1:9")
    points = [
        p.model_copy(update={"sip": described}) if p.id == CODEC and there else p
        for p in made.points
    ]
    listening = made.bridge.model_copy(update={"sip": Listening(listen=GATEWAY, port=port)})
    return made.model_copy(update={"points": points, "bridge": listening})


class Around:
    """What the gateway is told of."""

    def __init__(self, folder: Path, current: Topology) -> None:
        self.figures = GatewayFigures()
        self.control = SimpleNamespace(topology=SimpleNamespace(current=current))
        self.keys = {CODEC: "k"}
        self.certificate = SimpleNamespace(authority_file=folder / "none.crt")
        self.meters = SimpleNamespace(gateway=self.figures)
        self.url = "http://127.0.0.1:9"


@contextlib.asynccontextmanager
async def kept(around: Around, folder: Path) -> AsyncIterator[SipGateway]:
    """A control process that keeps the gateway; it ends, and the gateway goes on."""
    keeper = SipGateway(cast("Any", around), folder, folder)
    run = asyncio.create_task(keeper.run())
    try:
        await eventually(lambda: around.figures.listening)
        yield keeper
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def answered(port: int) -> bool:
    """Whether somebody speaks SIP there: a call without a description is refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.12.69", 0))
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        lines = (
            f"INVITE sip:cau@{GATEWAY} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.12.69;branch=z9hG4bK-{port}",
            "From: <sip:stranger@127.0.12.69>;tag=1",
            f"To: <sip:cau@{GATEWAY}>",
            f"Call-ID: {port}",
            "CSeq: 1 INVITE",
            "Contact: <sip:stranger@127.0.12.69>",
            "Max-Forwards: 10",
            "Content-Length: 0",
        )
        data = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        async with asyncio.timeout(HANG):
            while True:
                await loop.sock_sendto(sock, data, (GATEWAY, port))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        return (await loop.sock_recv(sock, 4096)).startswith(b"SIP/2.0 403")


async def test_the_gateways_process_is_kept_running_and_follows_the_topology(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, other = (free_port(socket.SOCK_DGRAM, GATEWAY) for _ in range(2))
    around = Around(tmp_path, with_codec(port))
    async with kept(around, tmp_path) as keeper:
        assert await answered(port)
        first = keeper.pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: around.figures.listening and keeper.pid != first)
        second = keeper.pid
        assert await answered(port)
        # Other settings are in use without another process, and the port of before is free.
        around.control.topology.current = with_codec(other)
        assert await answered(other)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((GATEWAY, port))
        assert keeper.pid == second
    assert alive(second)
    # The next control process finds it, and ends it when it hangs.
    around.figures.gone()
    async with kept(around, tmp_path) as keeper:
        assert keeper.pid == second
        with monkeypatch.context() as patch:
            patch.setattr(sip_gateway, "SILENT", 4.0)
            os.kill(second, signal.SIGSTOP)
            await eventually(lambda: keeper.pid != second)
        # With the patience of always: on a busy machine the next one's first words take their time.
        await eventually(lambda: around.figures.listening and keeper.pid != second)
        await eventually(lambda: not alive(second))
        third = keeper.pid
        assert await answered(other)
        # Without a codec there is no gateway.
        around.control.topology.current = with_codec(other, there=False)
        await eventually(lambda: not alive(third))
