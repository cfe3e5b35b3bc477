"""Mutual TLS between bridges over loopback: who is let in, who is not, and why."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.app.process import ControlProcess
from bridge.control.peers import pinned
from bridge.control.peers.rules.peer_wire import Greeting, Refused, decode, encode
from config.peers_schema import Peer, Peering
from config.schema import Topology
from tests.control.peers.two import MEETING, topology
from tests.control_support import Bridge
from tests.waiting import HANG, eventually

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@contextlib.asynccontextmanager
async def running(folder: Path, made: Topology, at: float) -> AsyncIterator[Bridge]:
    bridge = Bridge(folder, topology=made, at=at)
    await bridge.start()
    meeting = asyncio.create_task(bridge.process.bridges.run())
    try:
        yield bridge
    finally:
        meeting.cancel()
        await asyncio.gather(meeting, return_exceptions=True)
        await bridge.stop()


@contextlib.asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[Bridge]:
    """A province that knows a district's certificate."""
    made = topology(["hoi-truong", "phong-hop"], "Huyện", point="lac-thuy", side="below")
    peering = Peering(listen="127.0.0.1", port=0)
    changed = made.bridge.model_copy(update={"peering": peering})
    async with running(folder, made.model_copy(update={"bridge": changed}), NOW.timestamp()) as b:
        yield b


def strangers(bridge: Bridge, reason: str) -> int:
    """How many were not let in for a reason."""
    return bridge.process.bridges.links.counts.get("", Counter())[reason]


def port_of(process: ControlProcess) -> int:
    assert process.bridges.socket is not None
    return process.bridges.socket.port


def district(above: Bridge, *addresses: str) -> Topology:
    """A district that looks for its province at these addresses."""
    points, port = ["chi-ne", "an-binh"], port_of(above.process)
    return topology(points, "Tỉnh", point="tinh", side="above", address=[*addresses], port=port)


async def talk(folder: Path, port: int, server: Path, *, say: bytes = b"") -> list[bytes]:
    """Connect with the certificate in a folder; returns the lines until the end."""
    own = folder / pinned.CERTIFICATE, folder / pinned.KEY
    context = pinned.context(server=False, own=own, peers=[pinned.read_pinned(server)])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    lines: list[bytes] = []
    try:
        writer.write(encode(Greeting(version=1, bridge="c" * 16)) + say)
        async with asyncio.timeout(HANG):
            while line := await reader.readline():
                lines.append(line)
    finally:
        writer.close()
    return lines


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("province", "district", "stranger", "expired"):
        (tmp_path / name).mkdir()
    for name in ("province", "district", "stranger"):
        pinned.make(tmp_path / name, name, NOW)
    pinned.make(tmp_path / "expired", "expired", NOW - (365 * pinned.YEARS + 2) * DAY)
    shutil.copy(tmp_path / "district" / pinned.CERTIFICATE, tmp_path / "province" / "lac-thuy.crt")
    return tmp_path


async def test_a_pinned_bridge_is_greeted(folders: Path) -> None:
    async with listening(folders / "province") as bridge:
        server = folders / "province" / pinned.CERTIFICATE
        asking = asyncio.create_task(talk(folders / "district", port_of(bridge.process), server))
        links = bridge.process.bridges.links
        await eventually(lambda: links.links["lac-thuy"].connected)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize(("who", "reason"), [("stranger", "unpinned"), ("expired", "expired")])
async def test_others_are_counted_and_not_spoken_to(folders: Path, who: str, reason: str) -> None:
    if who == "expired":  # it is known, and its time is over
        shutil.copy(folders / who / pinned.CERTIFICATE, folders / "province" / "lac-thuy.crt")
    async with listening(folders / "province") as bridge:
        server = folders / "province" / pinned.CERTIFICATE
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert not await talk(folders / who, port_of(bridge.process), server)
        links = bridge.process.bridges.links
        await eventually(lambda: strangers(bridge, reason))
        assert not links.links["lac-thuy"].connected


async def test_who_speaks_no_tls_or_nothing_useful_is_cut_off(folders: Path) -> None:
    async with listening(folders / "province") as bridge:
        links = bridge.process.bridges.links
        port = port_of(bridge.process)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await eventually(lambda: strangers(bridge, "no_tls"))
        writer.close()
        server = folders / "province" / pinned.CERTIFICATE
        lines = await talk(folders / "district", port, server, say=b"{}\n" * 20)
        last = decode(lines[-1])
        assert isinstance(last, Refused)
        assert last.key == "malformed"
        assert links.counts["lac-thuy"]["malformed"] >= 5


async def test_connections_that_prove_nothing_are_few(folders: Path) -> None:
    async with listening(folders / "province") as bridge:
        port = port_of(bridge.process)
        socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
        await eventually(lambda: strangers(bridge, "too_many") >= 8)
        for sock in socks:
            sock.close()


async def test_two_processes_meet_and_a_wrong_certificate_is_told(folders: Path) -> None:
    async with listening(folders / "province") as above:
        lower = district(above, "127.0.0.1")
        shutil.copy(folders / "province" / pinned.CERTIFICATE, folders / "district" / "tinh.crt")
        async with running(folders / "district", lower, NOW.timestamp()) as below:
            await eventually(lambda: below.process.bridges.links.links["tinh"].connected)
            await eventually(lambda: above.process.bridges.links.links["lac-thuy"].connected)
            assert (
                below.process.bridges.links.identity
                == (pinned.read_pinned(folders / "district" / pinned.CERTIFICATE).digest[:16])
            )
        shutil.copy(folders / "province" / pinned.CERTIFICATE, folders / "stranger" / "tinh.crt")
        async with running(folders / "stranger", lower, NOW.timestamp()) as stranger:
            links = stranger.process.bridges.links
            await eventually(lambda: links.trouble.get("tinh"))
            assert links.trouble["tinh"] == "not_taken"


def test_a_certificate_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.crt").write_text("nothing", "ascii")
    with pytest.raises(pinned.PinProblem, match="no certificate"):
        pinned.read_pinned(tmp_path / "x.crt")
    with pytest.raises(pinned.PinProblem, match="peer show"):
        pinned.read_pinned(tmp_path / "y.crt")
    assert Peer(id="a", point="b", side="above", certificates=["c"]).port == 7444
    assert MEETING
