"""A bridge with several hosts: the one that leads is found, and its address may come late."""

from __future__ import annotations

import asyncio
import datetime
import errno
import shutil
from pathlib import Path

import pytest

from bridge.app import peering
from bridge.app.errors import StartError
from bridge.control.peers import pinned
from bridge.server.peer_socket import PeerSocket
from config.peers_schema import Peering
from tests.control.peers.test_pinned import district, listening, running
from tests.control.peers.two import topology
from tests.control_support import START, Bridge
from tests.waiting import eventually

NOW = datetime.datetime.now(datetime.UTC)


async def test_the_host_that_waits_refuses_and_the_next_one_is_asked(tmp_path: Path) -> None:
    for name in ("province", "district"):
        pinned.make(tmp_path / name, name, NOW)
    shutil.copy(tmp_path / "district" / pinned.CERTIFICATE, tmp_path / "province" / "lac-thuy.crt")
    shutil.copy(tmp_path / "province" / pinned.CERTIFICATE, tmp_path / "district" / "tinh.crt")
    async with listening(tmp_path / "province") as above:
        lower = district(above, "127.0.0.2", "127.0.0.1")  # nobody listens at the first
        async with running(tmp_path / "district", lower, NOW.timestamp()) as below:
            links = below.process.bridges.links
            await eventually(lambda: links.links["tinh"].connected)
            assert links.links["tinh"].address == "127.0.0.1"


def waits(folder: Path, why: int, monkeypatch: pytest.MonkeyPatch, times: int) -> Bridge:
    """A bridge whose address for others cannot be used so many times."""
    left, bound = [why] * times, PeerSocket.open

    def fail(socket: PeerSocket) -> None:
        if left:
            raise OSError(left.pop(), "no")
        bound(socket)

    monkeypatch.setattr(PeerSocket, "open", fail)
    monkeypatch.setattr(peering, "LISTEN_AGAIN", 0.01)
    made = topology(["hoi-truong", "phong-hop"], "Huyện", point="lac-thuy", side="below")
    config = Peering(listen="127.0.0.1", port=0)
    bridge = made.bridge.model_copy(update={"peering": config})
    return Bridge(folder, topology=made.model_copy(update={"bridge": bridge}), at=START)


async def test_an_address_that_comes_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = waits(tmp_path, errno.EADDRNOTAVAIL, monkeypatch, 3)
    await bridge.start()
    meeting = asyncio.create_task(bridge.process.bridges.run())
    try:
        socket = bridge.process.bridges.socket
        assert socket is not None
        assert not socket.opened
        await eventually(lambda: socket.port)
        _, writer = await asyncio.open_connection("127.0.0.1", socket.port)
        writer.close()
    finally:
        meeting.cancel()
        await asyncio.gather(meeting, return_exceptions=True)
        await bridge.stop()


async def test_an_address_that_somebody_has_is_a_sentence_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = waits(tmp_path, errno.EADDRINUSE, monkeypatch, 1)
    with pytest.raises(StartError, match="cannot be used"):
        await bridge.start()
    await bridge.stop()
