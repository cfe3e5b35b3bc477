"""One connection of a point to the bridge over aiortc: what it receives by slot, what it sends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaRelay

from bridge.base.patience import patiently
from bridge.media import rtp

MEDIA_TIMEOUT = 10.0  # seconds of patience from the answer to connected


def without_remb(sdp: str) -> str:
    """Leave abs-send-time out of an offer: aiortc would answer every few packets with an
    estimate of the bandwidth that nobody needs."""
    return "".join(line for line in sdp.splitlines(True) if rtp.URI_ABS_SEND_TIME not in line)


def peer_connection() -> RTCPeerConnection:
    """A peer connection as the bridge wants it: no STUN server, one transport for all media."""
    return RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


class Connection:
    """A connection that was made once; ``lost`` is told when it ends by itself."""

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self.pc = peer_connection()
        self.receivers: dict[str, RTCRtpTransceiver] = {}
        self._lost = lost
        self._senders: list[RTCRtpTransceiver] = []
        self._shared: list[MediaStreamTrack] = []

    @property
    def up(self) -> bool:
        """Whether media flow now."""
        return bool(self.pc.connectionState == "connected")

    @property
    def codec(self) -> str:
        """The video codec that the bridge chose, in capitals; "" before there is an answer."""
        description = self.pc.remoteDescription
        found = re.search(r"a=rtpmap:\d+ (VP8|H264)/90000", description.sdp if description else "")
        return found[1] if found else ""

    async def open(
        self,
        tracks: Sequence[MediaStreamTrack],
        video: Sequence[str],
        audio: Sequence[str],
        exchange: Callable[[str], Awaitable[str]],
        answered: Callable[[], None],
    ) -> bool:
        """Offer, take the answer, wait for media; True where they came up. ``video`` and ``audio``
        are the slots to be received, ``exchange`` brings an offer to the bridge, and ``answered``
        is told that there is an answer."""
        up = asyncio.Event()

        @self.pc.on("connectionstatechange")
        def changed() -> None:
            if self.pc.connectionState == "connected":
                up.set()
            elif self.pc.connectionState in ("failed", "closed"):
                self._lost(self)

        self._senders = [self.pc.addTransceiver(t, direction="sendonly") for t in tracks]
        self.receivers = {
            name: self.pc.addTransceiver("video", direction="recvonly") for name in video
        } | {name: self.pc.addTransceiver("audio", direction="recvonly") for name in audio}
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await exchange(without_remb(self.pc.localDescription.sdp))
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        answered()
        try:
            await patiently(up.wait(), MEDIA_TIMEOUT)
        except TimeoutError:
            return False
        return True

    def share(self, relay: MediaRelay, tracks: Sequence[MediaStreamTrack]) -> None:
        """Send these tracks by a relay from now on: another connection is to send them, too."""
        for transceiver, track in zip(self._senders, self.shared(relay, tracks), strict=True):
            transceiver.sender.replaceTrack(track)

    def shared(
        self, relay: MediaRelay, tracks: Sequence[MediaStreamTrack]
    ) -> list[MediaStreamTrack]:
        """This connection's share of tracks that another one sends, too."""
        self._shared = [relay.subscribe(track) for track in tracks]
        return self._shared

    async def counted(self) -> dict[str, tuple[int, int]]:
        """Packets that came and that were lost so far, by slot."""
        found = {}
        for slot, transceiver in self.receivers.items():
            report = await transceiver.receiver.getStats()
            inbound = [s for s in report.values() if s.type == "inbound-rtp"]
            came = sum(s.packetsReceived for s in inbound)
            found[slot] = came, sum(max(0, s.packetsLost) for s in inbound)
        return found

    async def close(self) -> None:
        """End it. Half closed it would leave threads that decode, and no process ends before
        them."""
        for track in self._shared:
            track.stop()
        closing = asyncio.create_task(self.pc.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise
