"""A point of the bridge as a WebRTC peer, without a browser: signs in, sends sound and picture
inside conferences, reports what it receives, and connects again when its media are lost.

The point of a camera (`endpoints.webrtc.camera`) and simulated points are peers; they differ in
the tracks that they send and in the devices that they say they have.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay

from endpoints.netem.impairment import Hop
from endpoints.webrtc import aiortc_seams
from endpoints.webrtc.changeover import Changeover
from endpoints.webrtc.client import RETRY, BridgeClient, Refused
from endpoints.webrtc.connection import Connection
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.reading import read_cards, read_tones
from endpoints.webrtc.tracks import SourceTrack

log = logging.getLogger("peer")

REPORT_INTERVAL = 0.5  # seconds
LOOK_EVERY = 0.1  # seconds between looks at what comes by media that are made beside others
MOVE_LIMIT = 5.0  # seconds after which a point changes over to them whatever does not come
FLOW = 0.25  # seconds without a packet from which on media count as lost with their host
FORMER_LIMIT = 15.0  # seconds after which the former media end, whatever the bridge says
STATS_EVERY = 6  # reports between two looks at packet loss

Tracks = tuple[SourceTrack, SourceTrack]  # sound and picture


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
        known: Iterable[str] = (),
    ) -> None:
        """``sources`` makes the tracks for one connection; ``has`` says whether the point has a
        "camera" or a "microphone". ``names`` are the points' ids by the numbers in their test
        cards. ``address`` is the local address of media where it is not left to ICE, ``hop`` an
        impaired line before it. ``known`` are the hosts of the bridge, where they were told
        before."""
        self.observations = Observations(names or {})
        self._point = point
        self._client = BridgeClient(url, point, key, self._message, tls=tls, known=known)
        self._sources = sources
        self._has = has
        self._address = address
        self._hop = hop
        self._welcome: dict[str, Any] | None = None
        self._now: Connection | None = None
        self._next: Connection | None = None  # made beside it
        self._former: Connection | None = None
        self._relay: MediaRelay | None = None
        self._sending: Tracks | None = None
        self._inside = False
        self._asked: dict[str, bool] = {}  # by source, whether the bridge wants it sent
        self._status_sent: tuple[bool, bool] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._renew = asyncio.Event()
        self._moving: asyncio.Task[None] | None = None
        self._beside = False  # what is exchanged is for media beside others

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
        return self._now.codec if self._now is not None else ""

    def _message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                self._welcome = message
                self._status_sent = None
                if self.media_up and not message["media"]:
                    self._start(self._come_over())
                elif not (message["media"] and self.has_media):
                    self._renew.set()
            case "media":
                self._renew.set()
            case "move" if message["step"] == "build" and self.media_up:
                self._move()
            case "move" if message["step"] == "leave":
                self._start(self.leave_former())
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

    async def _come_over(self) -> None:
        """Another host leads. The one that led forwards until this point has come over, or is lost
        with its media: then there is nothing to wait for."""
        before, _ = await self.both_received()
        await asyncio.sleep(FLOW)
        now, _ = await self.both_received()
        if sum(now.values()) > sum(before.values()):
            self._move()
        else:
            self.renew()

    def _move(self) -> None:
        """Make media beside those that play, and change over when they have everything."""
        if self._moving is not None:
            self._moving.cancel()
        self._moving = asyncio.create_task(self._move_over())
        self._tasks.add(self._moving)
        self._moving.add_done_callback(self._tasks.discard)

    async def _move_over(self) -> None:
        assert self._welcome is not None
        slots = self._welcome["slots"]
        self._beside = True
        opened = False
        try:
            for pause in (*RETRY[1:], *RETRY[-2:]):
                try:
                    opened = await self.open_beside(slots["video"], slots["audio"])
                    break
                except (Refused, OSError, TimeoutError, ValueError) as error:
                    log.warning("%s: %s", self._point, error)
                    await self.close_beside()
                    await asyncio.sleep(pause)  # who leads since a moment may have no worker yet
        finally:
            self._beside = False
        if not opened:
            await self.close_beside()  # the bridge asks again
            return
        seen = Changeover()
        for _ in range(round(MOVE_LIMIT / LOOK_EVERY)):
            if seen.look(*await self.both_received()):
                break
            await asyncio.sleep(LOOK_EVERY)
        self.change_over()
        await self._client.send({"type": "moved"})
        await asyncio.sleep(FORMER_LIMIT)
        await self.leave_former()

    async def _drop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await self.close_media()

    async def exchange(self, sdp: str) -> str:
        """Exchange an offer for the bridge's answer. Raises `Refused`."""
        if not self._beside:
            self._asked.clear()  # fresh media send everything until the bridge asks for less
        return await self._client.offer(sdp, beside=self._beside)

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
        return self._now is not None

    @property
    def media_up(self) -> bool:
        """Whether media flow now."""
        return self._now is not None and self._now.up

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
        self._now = now = Connection(self._lost)
        self._sending = self._sources()
        self._activate()
        started = time.monotonic()

        def answered() -> None:
            self.observations.connected(now.receivers, started)
            self._observe(now)

        return await now.open(self._sending, video, audio, self.exchange, answered)

    def _lost(self, connection: Connection) -> None:
        if connection is self._now:
            self.renew()

    def _observe(self, connection: Connection) -> None:
        for name, transceiver in connection.receivers.items():
            observe = self._watch if transceiver.kind == "video" else self._listen
            self._start(observe(name, transceiver.receiver.track))

    async def open_beside(self, video: list[str], audio: list[str]) -> bool:
        """Make media beside those that there are; True where they came up. Both send the same."""
        assert self._now is not None
        assert self._sending is not None
        await self.close_beside()
        if self._relay is None:
            self._relay = MediaRelay()
            self._now.share(self._relay, self._sending)
        self._next = beside = Connection(self._lost)
        tracks = beside.shared(self._relay, self._sending)
        return await beside.open(tracks, video, audio, self.exchange, lambda: self._observe(beside))

    async def both_received(self) -> tuple[dict[str, int], dict[str, int]]:
        """Packets that came so far by the media that play and by those beside them."""
        both = []
        for one in (self._now, self._next):
            counted = await one.counted() if one is not None else {}
            both.append({slot: came for slot, (came, _) in counted.items()})
        return both[0], both[1]

    def change_over(self) -> None:
        """The media that were made beside are those that count."""
        if self._next is not None:
            self._former, self._now, self._next = self._now, self._next, None

    async def leave_former(self) -> None:
        """End the media from before, if there are any."""
        former, self._former = self._former, None
        if former is not None:
            await former.close()

    async def close_beside(self) -> None:
        """End the media that were made beside, if there are any."""
        beside, self._next = self._next, None
        if beside is not None:
            await beside.close()

    async def close_media(self) -> None:
        """End all media, if there are any."""
        now, self._now = self._now, None
        if now is not None:
            await now.close()
        await self.close_beside()
        await self.leave_former()
        for track in self._sending or ():
            track.stop()
        self._sending = self._relay = None

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
        counted = await self._now.counted() if self._now is not None else {}
        for slot, (came, lost) in counted.items():
            self.observations.counted(slot, came, lost)
