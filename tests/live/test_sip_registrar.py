"""The SIP gateway at a registrar that is not ours, kamailio of Debian: with the right password it
is found there, with a wrong one it is not, and says so."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.sip import gateway_orders as o
from bridge.sip.gateway import Gateway
from bridge.sip.refusals import Figures
from tests.live.sip_bridges import GATEWAY
from tests.live.support import free_port
from tests.paths import ROOT
from tests.waiting import HANG, eventually

KAMAILIO = shutil.which("kamailio")
pytestmark = pytest.mark.skipif(
    KAMAILIO is None, reason="kamailio is missing: apt-get install kamailio"
)

REGISTRAR, ASKS = "127.0.12.220", "127.0.12.221"
RIGHT = "chim-se"


@contextlib.asynccontextmanager
async def kamailio(folder: Path) -> AsyncIterator[int]:
    """A registrar of one user, ``cau``; its port."""
    port = free_port(socket.SOCK_DGRAM, REGISTRAR)
    folder.mkdir()
    text = (ROOT / "tests" / "live" / "sip_scenarios" / "kamailio.cfg").read_text("utf-8")
    for name, value in {"HOST": REGISTRAR, "PORT": str(port), "PASSWORD": RIGHT}.items():
        text = text.replace(name, value)
    (folder / "kamailio.cfg").write_text(text, "utf-8")
    assert KAMAILIO is not None
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(KAMAILIO, "-DD", "-E", "-f", str(folder / "kamailio.cfg")),
            *("-Y", str(folder), "-w", str(folder), "-P", str(folder / "pid"), "-m", "32"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def registering(port: int, password: str) -> AsyncIterator[Gateway]:
    """A gateway without codecs that registers."""
    made = Gateway(
        o.Setup(
            version=o.VERSION,
            url="http://127.0.0.1:9",
            authority="",
            listen=GATEWAY,
            port=free_port(socket.SOCK_DGRAM, GATEWAY),
            public="",
            first_port=20_000,
            last_port=20_040,
            points=(),
            registrar=o.Registrar(
                uri=f"sip:cau@{REGISTRAR}", host=REGISTRAR, port=port, user="cau", password=password
            ),
        ),
        Figures(),
    )
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def called(port: int, again: float = HANG) -> str:
    """The status line of a call to the gateway through the registrar, which is said anew after so
    many seconds: only a registrar that does not listen yet hears nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ASKS, 0))
        sock.setblocking(False)
        here = f"{ASKS}:{sock.getsockname()[1]}"
        lines = (
            f"INVITE sip:cau@{REGISTRAR} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-{here}",
            f"From: <sip:stranger@{here}>;tag=1",
            f"To: <sip:cau@{REGISTRAR}>",
            f"Call-ID: {here}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:stranger@{here}>",
            "Max-Forwards: 10",
            "Content-Length: 0",
        )
        loop = asyncio.get_running_loop()
        data = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        async with asyncio.timeout(HANG):
            while True:
                await loop.sock_sendto(sock, data, (REGISTRAR, port))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(again):
                        answer = await loop.sock_recv(sock, 4096)
                    return answer.decode().splitlines()[0]


async def test_a_registrar_finds_the_gateway_that_proved_its_password(tmp_path: Path) -> None:
    async with kamailio(tmp_path / "kamailio") as port:
        said = await called(port, again=0.5)
        assert said == "SIP/2.0 404 Not Found"  # it is there, and knows nobody
        async with registering(port, "guessed") as sip:
            await eventually(lambda: sip.registration_problem)
            assert sip.registration_problem.startswith("401 ")
            assert sip.registered is False
            assert await called(port) == "SIP/2.0 404 Not Found"
        async with registering(port, RIGHT) as sip:
            await eventually(lambda: sip.registered)
            # The call reaches the gateway, which knows no such codec.
            assert await called(port) == "SIP/2.0 403 Forbidden"
            assert sip.figures.refused["stranger"] == 1
            assert sip.figures.refused["foreign"] == 0
