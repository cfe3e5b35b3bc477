"""A light simulated point: a peer like `endpoints.webrtc.peer.Peer`, for a tenth of its cost.

Its pictures were encoded once, its sound is a loop, what it receives is opened and decoded in
samples, and one ticker wakes all light points of a process: packets do not.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bridge.base.patience import patiently
from endpoints.netem.impairment import Hop
from endpoints.simulation.light_sender import (
    PictureSender,
    SoundSender,
    picture_loss,
    receiver_report,
    sender_report,
)
from endpoints.simulation.light_slots import Pictures, Seen, Sounds
from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.simulation.picture_loop import PictureLoop
from endpoints.webrtc.connection import MEDIA_TIMEOUT
from endpoints.webrtc.light_sdp import Answer, offer, read_answer
from endpoints.webrtc.light_transport import LightTransport
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.peer import Peer, Tracks
from endpoints.webrtc.tracks import encoded_tone

TICK = 0.02  # seconds: a packet of sound
REPORT_EVERY = 50  # ticks between RTCP reports
LOOK_EVERY = 5  # ticks between looks at whether a key frame is missing
LOOPBACK = "127.0.0.1"
RTP_HEADER = struct.Struct("!xBHII")


def _no_tracks() -> Tracks:
    raise NotImplementedError("a light point has no tracks")


class LightPeer(Peer):
    """One light point; everything but its media is `Peer`'s."""

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        number: int,
        name: str,
        address: str | None = None,
        hop: Hop | None = None,
        came: Callable[[str, float], None] | None = None,
        **options: Any,
    ) -> None:
        """``number`` and ``name`` stand in its picture; ``options`` are `Peer`'s. ``came`` is told
        of each packet of the media that play: its slot, and when (monotonic seconds)."""
        super().__init__(url, point, key, sources=_no_tracks, address=address, hop=hop, **options)
        self._number = number
        self._name = name
        self._own_address = address or LOOPBACK
        self._own_hop = hop
        self._came = came
        self._loop: PictureLoop | None = None
        self._tone: list[bytes] = []
        self._media_now: LightMedia | None = None
        self._media_next: LightMedia | None = None  # made beside it
        self._media_former: LightMedia | None = None
        self._sending_now = False
        self._ticks = 0

    # --- what `Peer` leaves to its kind of media ------------------------------------------

    @property
    def codec(self) -> str:
        return "VP8" if self.has_media else ""

    @property
    def has_media(self) -> bool:
        return self._media_now is not None

    @property
    def media_up(self) -> bool:
        return self._media_now is not None and self._media_now.transport.up

    def send_media(self, on: bool) -> None:
        if on and not self._sending_now:
            for media in self._all():
                media.picture.want_key()
        self._sending_now = on

    def _all(self) -> list[LightMedia]:
        made = (self._media_former, self._media_now, self._media_next)
        return [media for media in made if media is not None]

    async def _made(self) -> LightMedia:
        loop = self._loop
        if loop is None:
            encoded = await asyncio.to_thread(self._encoded)
            loop = encoded[0]
            self._tone = encoded[1]
            self._loop = loop
            encoder.submit(loop.fill)
        return LightMedia(
            self._own_address,
            self._own_hop,
            self.observations,
            loop,
            self._tone,
            self._lost_media,
            self._packet if self._came is not None else None,
        )

    def _packet(self, media: LightMedia, slot: str, now: float) -> None:
        if media is self._media_now and self._came is not None:
            self._came(slot, now)

    async def open_media(self, video: list[str], audio: list[str]) -> bool:
        self._media_now = media = await self._made()
        started = time.monotonic()
        slots = await media.negotiate(self.exchange, video, audio)
        self.observations.connected(slots, started)
        if not await media.connect():
            return False
        ticker.add(self)
        return True

    async def open_beside(self, video: list[str], audio: list[str]) -> bool:
        await self.close_beside()
        self._media_next = media = await self._made()
        await media.negotiate(self.exchange, video, audio)
        return await media.connect()

    async def both_received(self) -> tuple[dict[str, int], dict[str, int]]:
        now, beside = self._media_now, self._media_next
        return now.received() if now else {}, beside.received() if beside else {}

    def change_over(self) -> None:
        if self._media_next is not None:
            self._media_former, self._media_now = self._media_now, self._media_next
            self._media_next = None

    async def leave_former(self) -> None:
        former, self._media_former = self._media_former, None
        if former is not None:
            former.transport.close()

    async def close_beside(self) -> None:
        beside, self._media_next = self._media_next, None
        if beside is not None:
            beside.transport.close()

    async def close_media(self) -> None:
        ticker.remove(self)
        for media in self._all():
            media.transport.close()
        self._media_now = self._media_next = self._media_former = None

    def _lost_media(self, media: LightMedia) -> None:
        if media is self._media_now:
            self.renew()

    async def count_packets(self) -> None:
        for slot in self._media_now.slots.values() if self._media_now else ():
            reception = slot.reception
            if reception.packets:
                self.observations.counted(slot.name, reception.packets, reception.lost)

    # --- media ----------------------------------------------------------------------------

    def _encoded(self) -> tuple[PictureLoop, list[bytes]]:
        """What is sent, encoded once; the pictures of the loop follow."""
        local = time.localtime()
        room = MeetingRoom(self._number, self._name, width=480, height=270)
        return PictureLoop(room, local.tm_hour, local.tm_min), encoded_tone(self._number)

    def drain(self) -> None:
        """Take in what came."""
        for media in self._all():
            media.transport.drain()

    def tick(self, now: float) -> None:
        """Send what is due, and reports now and then."""
        self._ticks += 1
        for media in self._all():
            if self._sending_now:
                media.send(now, picture=self.picture_wanted)
            if (self._ticks + 4 * self._number) % REPORT_EVERY == 0:
                media.send_reports(now, sending=self._sending_now)
            elif self._ticks % LOOK_EVERY == 0:
                media.ask_for_keys(now)


class LightMedia:
    """What is received and sent over one transport."""

    def __init__(
        self,
        address: str,
        hop: Hop | None,
        observations: Observations,
        loop: PictureLoop,
        tone: list[bytes],
        lost: Callable[[LightMedia], None],
        came: Callable[[LightMedia, str, float], None] | None,
    ) -> None:
        self._came = came
        self._ssrcs = secrets.randbits(32) | 1, secrets.randbits(32) & ~1
        self._observations = observations
        self._loop = loop
        self.slots: dict[int, Pictures | Sounds] = {}
        self.sound = SoundSender(self._ssrcs[0], tone)
        self.picture = PictureSender(self._ssrcs[1], loop)
        self._answer: Answer | None = None
        self.transport = LightTransport(
            address,
            hop,
            on_rtp=self._take_rtp,
            on_rtcp=self._take_rtcp,
            on_lost=lambda: lost(self),
        )

    async def negotiate(
        self, exchange: Callable[[str], Awaitable[str]], video: list[str], audio: list[str]
    ) -> list[str]:
        """Exchange offer and answer; the names of the slots."""
        text = await exchange(offer(self.transport.own, self._ssrcs, video, audio))
        self._answer = answer = read_answer(text, video, audio)
        for name, ssrc in answer.slots.items():
            kind = Pictures if name in video else Sounds
            self.slots[ssrc] = kind(name, ssrc, self._observations, seen)
        return list(answer.slots)

    async def connect(self) -> bool:
        """Wait until media are up; False where they do not come up in time."""
        assert self._answer is not None
        try:
            await patiently(self.transport.connect(self._answer), MEDIA_TIMEOUT)
        except TimeoutError:
            return False
        return True

    def received(self) -> dict[str, int]:
        """Packets that came so far, by slot."""
        return {slot.name: slot.reception.packets for slot in self.slots.values()}

    def send(self, now: float, *, picture: bool) -> None:
        """Send the sound that is due, and the ``picture``."""
        if not self.transport.up:
            return
        for packet in self.sound.due(now):
            self.transport.send_rtp(packet)
        for packet in self.picture.due(now) if picture else ():
            self.transport.send_rtp(packet)

    def send_reports(self, now: float, *, sending: bool) -> None:
        """Send what was received, and what was sent."""
        local = time.localtime()
        if self._loop.show(local.tm_hour, local.tm_min):
            self.picture.want_key()
        heard = [slot for slot in self.slots.values() if slot.reception.packets]
        blocks = [slot.reception.block(now) for slot in heard]
        parts = [receiver_report(self.sound.ssrc, blocks)]
        if sending:
            wall = time.time()
            parts += [sender_report(s, now, wall) for s in (self.sound, self.picture)]
        self.transport.send_rtcp(b"".join(parts))

    def ask_for_keys(self, now: float) -> None:
        """Ask for key frames that are missing."""
        ssrc = self.sound.ssrc
        parts = [
            picture_loss(ssrc, slot.reception.ssrc)
            for slot in self.slots.values()
            if isinstance(slot, Pictures) and slot.wants_key(now)
        ]
        if parts:
            self.transport.send_rtcp(b"".join((receiver_report(ssrc, []), *parts)))

    def _take_rtp(self, sealed: bytes) -> None:
        second, sequence, timestamp, ssrc = RTP_HEADER.unpack_from(sealed)
        slot = self.slots.get(ssrc)
        if slot is not None:
            unseal, now = self.transport.open_rtp, time.monotonic()
            slot.take(sealed, sequence, timestamp, second >= 0x80, now, unseal)
            if self._came is not None:
                self._came(self, slot.name, now)

    def _take_rtcp(self, packet: bytes) -> None:
        at = 0
        while at + 12 <= len(packet):
            form, kind = packet[at] & 0x1F, packet[at + 1]
            size = 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
            if kind == 206 and form in (1, 4):
                self.picture.want_key()  # PLI, or FIR (RFC 5104 section 4.3.1)
            elif kind == 200 and at + 16 <= len(packet):
                slot = self.slots.get(int.from_bytes(packet[at + 4 : at + 8], "big"))
                if slot is not None:
                    middle = int.from_bytes(packet[at + 10 : at + 14], "big")
                    slot.reception.reported(middle, time.monotonic())
            at += size


class Ticker:
    """Calls `LightPeer.drain` and then `LightPeer.tick` of all light points of this process every
    `TICK`. What they send goes out in one run, so that the bridge wakes up once for all of it."""

    def __init__(self) -> None:
        self._peers: list[LightPeer] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, peer: LightPeer) -> None:
        """Tick a point, too."""
        self._peers.append(peer)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def remove(self, peer: LightPeer) -> None:
        """Tick a point no more."""
        if peer in self._peers:
            self._peers.remove(peer)

    async def _run(self) -> None:
        due = time.monotonic()
        while self._peers:
            for peer in list(self._peers):
                peer.drain()
            for peer in list(self._peers):
                peer.tick(time.monotonic())
            due = max(due + TICK, time.monotonic() - TICK)
            await asyncio.sleep(due - time.monotonic())


ticker = Ticker()
seen = Seen()
encoder = ThreadPoolExecutor(1, "encoder")  # pictures of a loop are not urgent
