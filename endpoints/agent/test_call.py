"""A test call: the agent sends a test card and a tone to the bridge and looks at what comes back
in an echo session, by decoding it. Beside the point's page, and without its camera. A shell."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from endpoints.webrtc import test_card, tone
from endpoints.webrtc.client import BridgeClient, Refused

SECONDS = 12.0  # the longest that a call takes
CALL_NUMBER = 61  # of card and tone: no point of a conference has it
WIDTH, HEIGHT = 320, 180
WINDOW = 3 * tone.WINDOW


class LoopCall:
    """One call. ``tracks`` makes the sound and the picture that are sent."""

    def __init__(
        self, url: str, point: str, key: str, tracks: Any, *, most: float = SECONDS, tls: Any = None
    ) -> None:
        self._client = BridgeClient(url, point, key, self._message, kind="echo", tls=tls)
        self._tracks = tracks
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
        """Call; return a `CallOutcome` as the protocol has it."""
        outcome: dict[str, Any] = {"connected": False, "picture": False, "sound": False}
        client = asyncio.create_task(self._client.run())
        peer = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        readers: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(self._most):
                await self._welcome.wait()
                await self._connect(peer, readers)
                await asyncio.gather(self._seen.wait(), self._heard.wait())
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

    async def _connect(self, peer: RTCPeerConnection, readers: list[asyncio.Task[None]]) -> None:
        sound, picture = self._tracks(CALL_NUMBER)
        for track in (sound, picture):
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
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, VideoFrame)
            luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
            reading = test_card.read(luma)
            if reading is not None and reading.number == CALL_NUMBER:
                if self._first is None:
                    self._first = round((time.monotonic() - started) * 1000, 1)
                self._seen.set()

    async def _listen(self, track: MediaStreamTrack, _: float) -> None:
        window = np.empty(0)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
            window = np.concatenate([window, samples.astype(np.float64)])[-WINDOW:]
            if len(window) >= tone.WINDOW and tone.detect(window[-tone.WINDOW :]) == CALL_NUMBER:
                self._heard.set()


async def _line(peer: RTCPeerConnection) -> dict[str, Any]:
    """What the call's own statistics say of the line."""
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
