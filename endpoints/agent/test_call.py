"""A test call: the agent sends a test card and a tone to the bridge, which echoes them, and decodes
what comes back. It runs beside the point's page and does not use its camera."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import aiohttp
from aiortc import (
    MediaStreamTrack,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from bridge.base.patience import patiently
from endpoints.webrtc.client import BridgeClient, Refused
from endpoints.webrtc.connection import peer_connection
from endpoints.webrtc.reading import read_cards, read_tones
from endpoints.webrtc.tracks import CardTrack, SourceTrack, ToneTrack

SECONDS = 12.0  # the longest that a call takes
CALL_NUMBER = 61  # of card and tone: no point of a conference has it


class TestCall:
    """One test call, which takes at most ``most`` seconds."""

    __test__ = False  # not a test class, whatever its name

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        most: float = SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._client = BridgeClient(url, point, key, self._message, kind="echo", tls=tls)
        self._most = most
        self._welcome = asyncio.Event()
        self._slots: dict[str, Any] = {}
        self._seen = asyncio.Event()
        self._heard = asyncio.Event()
        self._first: float | None = None

    def _message(self, message: dict[str, Any]) -> None:
        if message["type"] == "welcome":
            self._slots = message["slots"]
            self._welcome.set()

    async def run(self) -> dict[str, Any]:
        """Call; return a `CallOutcome` of the agent's protocol."""
        outcome: dict[str, Any] = {"connected": False, "picture": False, "sound": False}
        client = asyncio.create_task(self._client.run())
        peer = peer_connection()
        readers: list[asyncio.Task[None]] = []
        try:
            await patiently(self._call(peer, readers), self._most)
        except (TimeoutError, Refused, aiohttp.ClientError, OSError, ValueError) as error:
            outcome["detail"] = str(error)[:200]
        finally:
            outcome["connected"] = peer.connectionState == "connected"
            outcome["picture"], outcome["sound"] = self._seen.is_set(), self._heard.is_set()
            outcome["first_frame_ms"] = self._first
            outcome |= await _line(peer)
            for task in readers:
                task.cancel()
            await peer.close()
            await self._client.close()
            client.cancel()
            await asyncio.gather(client, *readers, return_exceptions=True)
        return outcome

    async def _call(self, peer: RTCPeerConnection, readers: list[asyncio.Task[None]]) -> None:
        """Connect, and wait for picture and sound."""
        await self._welcome.wait()
        await self._connect(peer, readers)
        await asyncio.gather(self._seen.wait(), self._heard.wait())

    async def _connect(self, peer: RTCPeerConnection, readers: list[asyncio.Task[None]]) -> None:
        tracks: list[SourceTrack] = [ToneTrack(CALL_NUMBER), CardTrack(CALL_NUMBER)]
        for track in tracks:
            track.active.set()
            peer.addTransceiver(track, direction="sendonly")
        receivers: list[RTCRtpTransceiver] = [
            peer.addTransceiver("video", direction="recvonly") for _ in self._slots["video"]
        ] + [peer.addTransceiver("audio", direction="recvonly") for _ in self._slots["audio"]]
        started = time.monotonic()
        await peer.setLocalDescription(await peer.createOffer())
        answer = await self._client.offer(peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        for transceiver in receivers:
            look = self._watch if transceiver.kind == "video" else self._listen
            readers.append(asyncio.create_task(look(transceiver.receiver.track, started)))

    async def _watch(self, track: MediaStreamTrack, started: float) -> None:
        async for card, _ in read_cards(track):
            if card.number == CALL_NUMBER:
                if self._first is None:
                    self._first = round((time.monotonic() - started) * 1000, 1)
                self._seen.set()

    async def _listen(self, track: MediaStreamTrack, _: float) -> None:
        async for number in read_tones(track):
            if number == CALL_NUMBER:
                self._heard.set()


async def _line(peer: RTCPeerConnection) -> dict[str, Any]:
    """Loss (0–1) and round trip (ms) by the connection's own statistics."""
    found: dict[str, Any] = {}
    lost = received = 0
    for report in (await peer.getStats()).values():
        if report.type == "inbound-rtp":
            lost += max(0, report.packetsLost)
            received += report.packetsReceived
        elif report.type == "remote-inbound-rtp" and report.roundTripTime:
            found["round_trip_ms"] = round(report.roundTripTime * 1000, 1)
    if received:
        found["loss"] = round(lost / (lost + received), 4)
    return found
