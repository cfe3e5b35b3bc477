"""What a peer says to the bridge, without a bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.media import rtp
from endpoints.webrtc import connection as module
from endpoints.webrtc import peer as peer_module
from endpoints.webrtc.connection import peer_connection, without_remb
from endpoints.webrtc.peer import Peer
from endpoints.webrtc.tracks import CardTrack, ToneTrack
from tests.waiting import HANG


async def test_an_offer_has_no_abs_send_time_and_is_otherwise_whole() -> None:
    pc = peer_connection()
    try:
        pc.addTransceiver("video", direction="recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        offer = pc.localDescription.sdp
        shorter = without_remb(offer)
        assert rtp.URI_ABS_SEND_TIME in offer
        assert rtp.URI_ABS_SEND_TIME not in shorter
        gone = set(offer.splitlines()) - set(shorter.splitlines())
        assert [line.split(":")[0] for line in gone] == ["a=extmap"]
        assert shorter.endswith("\r\n")
    finally:
        await pc.close()


class SlowConnection:
    """A peer connection that gets no further than its offer and takes its time to close."""

    connectionState = "new"

    def __init__(self) -> None:
        self.closing, self.may_close, self.closed = (asyncio.Event() for _ in range(3))

    def on(self, _: str) -> Callable[[Any], Any]:
        return lambda handler: handler

    def addTransceiver(self, *_: Any, **__: Any) -> None:
        raise ValueError("no further")

    async def close(self) -> None:
        self.closing.set()
        await self.may_close.wait()
        self.closed.set()


async def test_a_connection_that_begins_to_close_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half closed, its threads would keep the process from ending."""
    connection = SlowConnection()
    monkeypatch.setattr(module, "peer_connection", lambda: connection)
    peer = Peer("http://127.0.0.1:1", "x", "key", sources=lambda: (ToneTrack(1), CardTrack(1)))
    with pytest.raises(ValueError, match="no further"):
        await peer.open_media([], [])
    closing = asyncio.create_task(peer.close_media())
    await connection.closing.wait()
    closing.cancel()
    await asyncio.sleep(0)
    connection.may_close.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert connection.closed.is_set()


class Followed(Peer):
    """A peer whose media are up, with as many packets as a case says, look by look."""

    def __init__(self, *packets: int) -> None:
        super().__init__("http://x", "a", "key", sources=lambda: (ToneTrack(1), CardTrack(1)))
        self._packets = iter(packets)
        self.did: asyncio.Queue[str] = asyncio.Queue()

    @property
    def media_up(self) -> bool:
        return True

    async def both_received(self) -> tuple[dict[str, int], dict[str, int]]:
        return {"programme": next(self._packets)}, {}

    async def open_beside(self, video: list[str], audio: list[str]) -> bool:
        self.did.put_nowait("beside")
        return await asyncio.Event().wait()

    def renew(self) -> None:
        self.did.put_nowait("anew")


@pytest.mark.parametrize(("packets", "done"), [((5, 9), "beside"), ((5, 5), "anew")])
async def test_where_another_host_leads_media_are_made_beside_those_that_flow(
    packets: tuple[int, int], done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is lost takes its media with it: there is nothing to wait for."""
    monkeypatch.setattr(peer_module, "FLOW", 0.0)
    peer = Followed(*packets)
    slots = {"video": ["programme"], "audio": []}
    peer._message({"type": "welcome", "media": False, "slots": slots})
    async with asyncio.timeout(HANG):
        assert await peer.did.get() == done
    for task in list(peer._tasks):
        task.cancel()
    await asyncio.gather(*peer._tasks, return_exceptions=True)
