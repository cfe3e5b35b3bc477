"""A codec's point at the bridge: its session, its seat, and a transport while there is a call."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from bridge.base.patience import patiently
from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.programme_layer import Layer
from endpoints.webrtc.connection import MEDIA_TIMEOUT
from endpoints.webrtc.light_sdp import Answer, offer, read_answer
from endpoints.webrtc.light_transport import LightTransport
from endpoints.webrtc.peer import Peer, Tracks

CODECS = ("H264", "VP8")


def _no_tracks() -> Tracks:
    raise NotImplementedError("a codec's point has no tracks")


class CodecPeer(Peer):
    """A codec's point as a client of the bridge, without tracks of its own.

    ``on_called`` is told True when a conference calls the point in and when the bridge asks
    again for one that has not come, and False while none wants it; ``on_state`` gets every state.
    """

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        address: str,
        tls: ssl.SSLContext | None,
        on_called: Callable[[bool], None],
        on_state: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(url, point, key, sources=_no_tracks, has=self._is_there, tls=tls)
        self.point = point
        self._own_address = address
        self._on_called = on_called
        self._on_state = on_state
        self._call_media: CallMedia | None = None
        self._link: Link | None = None
        self._link_beside: Link | None = None
        self._link_former: Link | None = None
        self.seat: dict[str, Any] | None = None
        self.conference = ""
        self._called_to = ""  # the conference that calls it in; "" for none
        self.waits = False
        """Whether it has asked for the floor, and has not got it."""
        self.connected = False
        """Whether the bridge has greeted it since the process began."""
        self._layers: tuple[Layer, ...] = ()
        self.farewell = ""
        """Why the bridge has ended the session, as it said: taken_over, revoked, …; "" before."""

    # --- what the bridge says ---------------------------------------------------------------

    def _message(self, message: dict[str, Any]) -> None:
        super()._message(message)
        match message["type"]:
            case "welcome":
                self.connected = True
                layers = message.get("layers") or ()
                self._layers = tuple(Layer(one["height"], one["frame_rate"]) for one in layers)
                self._tell_size()
            case "ended":
                self.farewell = message["reason"]
            case "media" if self.called:
                self._on_called(True)
            case "state":
                conference = message.get("conference")
                self.seat = conference["seats"].get(self.point) if conference else None
                self.conference = conference["id"] if conference else ""
                queue = conference["queue"] if conference else ()
                self.waits = any(request["point"] == self.point for request in queue)
                self._on_state(message)
                # States come with every change of anything: who has hung up, or refuses, is not
                # called again with each. When it is, the bridge says (`bridge.control.calling`).
                before, self._called_to = self._called_to, self.conference if self.called else ""
                if not self._called_to:
                    self._on_called(False)
                elif self._called_to != before:
                    self._on_called(True)

    @property
    def called(self) -> bool:
        """Whether the point is to be in a conference now."""
        return bool(self.seat is not None and self.seat["called"] and not self.ended.is_set())

    @property
    def ended(self) -> asyncio.Event:
        """Set once the bridge has ended the session for good."""
        return self._client.ended

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Give a command as the point; the bridge's result."""
        return await self._client.command(
            {"type": "command", "conference": self.conference, "command": command}
        )

    # --- the call ---------------------------------------------------------------------------

    def attach(self, media: CallMedia | None) -> None:
        """A call is up, or over: open media at the bridge, or close them."""
        self._call_media = media
        self.refresh()
        self.renew()

    def _is_there(self, device: str) -> bool:
        if self._call_media is None:
            return False
        agreed = self._call_media.agreed
        line = agreed.video if device == "camera" else agreed.audio
        return line is not None and line.sends

    # --- what `Peer` leaves to its kind of media ----------------------------------------------

    @property
    def codec(self) -> str:
        return ""

    @property
    def has_media(self) -> bool:
        return self._link is not None

    @property
    def media_up(self) -> bool:
        return self._link is not None and self._link.transport.up

    def use(self, link: Link, answer: Answer) -> None:
        """The call's media come and go over a link from now on."""
        link.media.connect(link.transport, answer.codec, answer.slots, self._layers)
        self._tell_size()

    def _tell_size(self) -> None:
        """Let the bridge send no larger programme than the codec takes."""
        lines = self._call_media.lines if self._call_media is not None else 0
        if lines:
            self._start(self._client.send({"type": "sizes", "slots": {"programme": lines}}))

    def send_media(self, on: bool) -> None:
        if self._call_media is not None:
            self._call_media.send(on)

    def _links(self) -> list[Link]:
        return [
            link for link in (self._link_former, self._link, self._link_beside) if link is not None
        ]

    async def _negotiated(self, link: Link, video: list[str], audio: list[str]) -> bool:
        """Exchange an offer and connect; whether media came up."""
        shown = [name for name in video if name == "programme"]
        own = link.transport.own
        text = await self.exchange(offer(own, link.media.ssrcs, shown, audio, CODECS))
        try:
            await patiently(link.connect(read_answer(text, shown, audio)), MEDIA_TIMEOUT)
        except TimeoutError:
            return False
        return True

    async def open_media(self, video: list[str], audio: list[str]) -> bool:
        media = self._call_media
        if media is None:
            return True  # nothing to open before there is a call
        self._link = link = Link(self, media, self._own_address)
        if not await self._negotiated(link, video, audio):
            return False
        link.use()
        return True

    async def open_beside(self, video: list[str], audio: list[str]) -> bool:
        await self.close_beside()
        media = self._call_media
        if media is None:
            return False
        self._link_beside = link = Link(self, media, self._own_address)
        return await self._negotiated(link, video, audio)

    async def both_received(self) -> tuple[dict[str, int], dict[str, int]]:
        now, beside = self._link, self._link_beside
        return dict(now.received) if now else {}, dict(beside.received) if beside else {}

    def change_over(self) -> None:
        if self._link_beside is not None:
            self._link_former, self._link = self._link, self._link_beside
            self._link_beside = None
            self._link.use()

    async def leave_former(self) -> None:
        former, self._link_former = self._link_former, None
        if former is not None:
            former.transport.close()

    async def close_beside(self) -> None:
        beside, self._link_beside = self._link_beside, None
        if beside is not None:
            beside.transport.close()

    async def close_media(self) -> None:
        if self._call_media is not None:
            self._call_media.disconnect()
        for link in self._links():
            link.transport.close()
        self._link = self._link_beside = self._link_former = None

    def lost(self, link: Link) -> None:
        """The bridge does not answer on a transport any more."""
        if link is self._link:
            self.renew()

    async def count_packets(self) -> None:
        """The call's media count; a codec reports nothing of what it sees."""

    def drain(self) -> None:
        """Take in what the bridge sent."""
        for link in self._links():
            if link.transport.up:
                link.transport.drain()


class Link:
    """One transport of a codec's point; of two the newer one is used once all comes by it."""

    def __init__(self, peer: CodecPeer, media: CallMedia, address: str) -> None:
        self.media = media
        self.answer: Answer | None = None
        self.received: Counter[str] = Counter()
        self._used = False
        self._peer = peer
        self._names: dict[int, str] = {}
        self.transport = LightTransport(
            address,
            None,
            on_rtp=self._take_rtp,
            on_rtcp=self._take_rtcp,
            on_lost=lambda: peer.lost(self),
        )

    async def connect(self, answer: Answer) -> None:
        """Connect as the bridge has answered."""
        self.answer = answer
        self._names = {ssrc: name for name, ssrc in answer.slots.items()}
        await self.transport.connect(answer)

    def use(self) -> None:
        """The call's media come and go over it from now on."""
        assert self.answer is not None
        self._used = True
        self._peer.use(self, self.answer)

    def _take_rtp(self, sealed: bytes) -> None:
        name = self._names.get(int.from_bytes(sealed[8:12], "big"))
        if name is None:
            return
        self.received[name] += 1
        if self._used:
            self.media.bridge_rtp(sealed, self.transport.open_rtp, time.monotonic())

    def _take_rtcp(self, packet: bytes) -> None:
        if self._used:
            self.media.bridge_rtcp(packet, time.monotonic())
