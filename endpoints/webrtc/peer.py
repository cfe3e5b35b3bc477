"""A point of the bridge as a WebRTC peer, without a browser: signs in, sends sound and picture
inside conferences, reports what it receives, and connects again when its media are lost.

The point of a camera (`endpoints.webrtc.camera`) and simulated points are peers; they differ in
the tracks that they send and in the devices that they say they have.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from bridge.base.patience import patiently
from bridge.media import rtp
from endpoints.netem.impairment import Hop
from endpoints.webrtc import aiortc_seams
from endpoints.webrtc.client import RETRY, BridgeClient, Refused
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.reading import read_cards, read_tones
from endpoints.webrtc.tracks import SourceTrack

log = logging.getLogger("peer")

REPORT_INTERVAL = 0.5  # seconds
STATS_EVERY = 6  # reports between two looks at packet loss
MEDIA_TIMEOUT = 10.0  # seconds of patience from the answer to connected

Tracks = tuple[SourceTrack, SourceTrack]  # sound and picture


def without_remb(sdp: str) -> str:
    """Leave abs-send-time out of an offer: aiortc would answer every few packets with an
    estimate of the bandwidth that nobody needs."""
    return "".join(line for line in sdp.splitlines(True) if rtp.URI_ABS_SEND_TIME not in line)


def peer_connection() -> RTCPeerConnection:
    """A peer connection as the bridge wants it: no STUN server, one transport for all media."""
    return RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


class Peer:
    """One point: its session with the bridge and its media."""

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        sources: Callable[[], Tracks],
        has: Callable[[str], bool] = lambda _: True,
        names: Mapping[int, str] | None = None,
        address: str | None = None,
        hop: Hop | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``sources`` makes the tracks for one connection; ``has`` says whether the point has a
        "camera" or a "microphone". ``names`` are the points' ids by the numbers in their test
        cards. ``address`` is the local address of media where it is not left to ICE, ``hop`` an
        impaired line before it."""
        self.observations = Observations(names or {})
        self._point = point
        self._client = BridgeClient(url, point, key, self._message, tls=tls)
        self._sources = sources
        self._has = has
        self._address = address
        self._hop = hop
        self._welcome: dict[str, Any] | None = None
        self._pc: RTCPeerConnection | None = None
        self._receivers: dict[str, RTCRtpTransceiver] = {}
        self._sending: Tracks | None = None
        self._inside = False
        self._asked: dict[str, bool] = {}  # by source, whether the bridge wants it sent
        self._status_sent: tuple[bool, bool] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._renew = asyncio.Event()

    async def run(self) -> None:
        """Be the point until cancelled."""
        aiortc_seams.local_address.set(self._address)
        aiortc_seams.line.set(self._hop)
        jobs = [self._client.run(), self._media(), self._report()]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drop()

    async def leave(self) -> None:
        """Say goodbye to the bridge, for good."""
        await self._client.close()

    def refresh(self) -> None:
        """Tell the bridge about the devices again: one came or went."""
        self._status_sent = None
        if self.has_media:
            self._activate()

    @property
    def codec(self) -> str:
        """The video codec that the bridge chose, in capitals; "" before there is an answer."""
        description = self._pc.remoteDescription if self._pc is not None else None
        found = re.search(r"a=rtpmap:\d+ (VP8|H264)/90000", description.sdp if description else "")
        return found[1] if found else ""

    def _message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                self._welcome = message
                self._status_sent = None
                if not (message["media"] and self.has_media):
                    self._renew.set()
            case "media":
                self._renew.set()
            case "layers":
                self._asked[message["source"]] = bool(message["rids"])
                self._activate()
            case "state":
                conference = message.get("conference")
                seat = conference["seats"].get(self._point) if conference else None
                self._inside = bool(seat and seat["called"])
                self._activate()
                self.observations.presence(message["points"], time.monotonic())
                self.observations.told(message["slots"])

    def _activate(self) -> None:
        """Send picture and sound only inside a conference, and tell the bridge when that or the
        connection changed."""
        self.send_media(self._inside)
        if self._status_sent != (self._inside, self.has_media):
            self._status_sent = (self._inside, self.has_media)
            status = {
                "type": "status",
                "camera": self._has("camera"),
                "microphone": self._has("microphone"),
                "sending": self._inside,
            }
            self._start(self._client.send(status))

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- media --------------------------------------------------------------------------

    async def _media(self) -> None:
        tries = 0
        while True:
            await self._renew.wait()
            self._renew.clear()
            await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
            tries += 1
            await self._drop()
            try:
                if await self._connect():
                    tries = 0
                    continue
            except (Refused, OSError, TimeoutError, ValueError) as error:
                log.warning("%s: %s", self._point, error)
            self._renew.set()

    async def _connect(self) -> bool:
        """Open media; True where they came up."""
        assert self._welcome is not None
        slots = self._welcome["slots"]
        opened = await self.open_media(slots["video"], slots["audio"])
        self._activate()
        return opened

    async def _drop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await self.close_media()

    async def exchange(self, sdp: str) -> str:
        """Exchange an offer for the bridge's answer. Raises `Refused`."""
        self._asked.clear()  # fresh media send everything until the bridge asks for less
        return await self._client.offer(sdp)

    @property
    def picture_wanted(self) -> bool:
        """Whether the bridge wants a picture of this point: its line carries one, say."""
        return self._asked.get("camera", True)

    def renew(self) -> None:
        """The media are lost: connect again."""
        self._renew.set()

    # --- media over aiortc; the light points of the simulation have media of their own -------

    @property
    def has_media(self) -> bool:
        """Whether there are media, connected or on the way."""
        return self._pc is not None

    def send_media(self, on: bool) -> None:
        """Send sound and picture from now on, or nothing."""
        for track in self._sending or ():
            # A point without simulcast has one layer: all of its picture, or nothing.
            if on and (track.kind != "video" or self.picture_wanted):
                track.active.set()
            else:
                track.active.clear()

    async def open_media(self, video: list[str], audio: list[str]) -> bool:
        """Offer, take the answer, wait for media; True where they came up. ``video`` and
        ``audio`` are the slots to be received."""
        self._pc = pc = peer_connection()
        up = asyncio.Event()

        @pc.on("connectionstatechange")
        def changed() -> None:
            if pc.connectionState == "connected":
                up.set()
            elif pc.connectionState in ("failed", "closed") and self._pc is pc:
                self.renew()

        self._sending = self._sources()
        self._activate()
        for track in self._sending:
            pc.addTransceiver(track, direction="sendonly")
        self._receivers = {
            name: pc.addTransceiver("video", direction="recvonly") for name in video
        } | {name: pc.addTransceiver("audio", direction="recvonly") for name in audio}
        await pc.setLocalDescription(await pc.createOffer())
        started = time.monotonic()
        answer = await self.exchange(without_remb(pc.localDescription.sdp))
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self.observations.connected(self._receivers, started)
        for name, transceiver in self._receivers.items():
            observe = self._watch if transceiver.kind == "video" else self._listen
            self._start(observe(name, transceiver.receiver.track))
        try:
            await patiently(up.wait(), MEDIA_TIMEOUT)
        except TimeoutError:
            return False
        return True

    async def close_media(self) -> None:
        """End the media, if there are any."""
        pc, self._pc = self._pc, None
        if pc is not None:
            # Half closed, it would leave threads that decode, and no process ends before them.
            closing = asyncio.create_task(pc.close())
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:
                await closing
                raise
        for track in self._sending or ():
            track.stop()
        self._sending = None

    # --- what is received ---------------------------------------------------------------

    async def _watch(self, slot: str, track: MediaStreamTrack) -> None:
        async for card, height in read_cards(track):
            self.observations.saw(slot, card, height, time.monotonic())

    async def _listen(self, slot: str, track: MediaStreamTrack) -> None:
        async for number in read_tones(track):
            self.observations.heard(slot, number, time.monotonic())

    async def _report(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            count += 1
            if count % STATS_EVERY == 0:
                await self.count_packets()
            await self._client.send({"type": "report", "slots": self.observations.reports()})

    async def count_packets(self) -> None:
        """Note in `observations` how many packets came and were lost."""
        for slot, transceiver in self._receivers.items():
            report = await transceiver.receiver.getStats()
            inbound = [s for s in report.values() if s.type == "inbound-rtp"]
            self.observations.counted(
                slot,
                sum(s.packetsReceived for s in inbound),
                sum(max(0, s.packetsLost) for s in inbound),
            )
