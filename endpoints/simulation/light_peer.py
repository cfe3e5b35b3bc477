"""A light simulated point: a peer like `endpoints.webrtc.peer.Peer`, for a tenth of its cost.

Its pictures were encoded once, its sound is a loop, what it receives is opened and decoded in
samples, and one ticker wakes all light points of a process: packets do not.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bridge.base.patience import patiently
from endpoints.netem.impairment import Hop
from endpoints.simulation.light_sdp import offer, read_answer
from endpoints.simulation.light_sender import (
    PictureSender,
    SoundSender,
    picture_loss,
    receiver_report,
    sender_report,
)
from endpoints.simulation.light_slots import Pictures, Seen, Sounds
from endpoints.simulation.light_transport import LightTransport
from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.simulation.picture_loop import PictureLoop
from endpoints.webrtc.peer import MEDIA_TIMEOUT, Peer, Tracks
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
        **options: Any,
    ) -> None:
        """``number`` and ``name`` stand in its picture; ``options`` are `Peer`'s."""
        super().__init__(url, point, key, sources=_no_tracks, address=address, hop=hop, **options)
        self._number = number
        self._name = name
        self._own_address = address or LOOPBACK
        self._own_hop = hop
        self._loop: PictureLoop | None = None
        self._tone: list[bytes] = []
        self._transport: LightTransport | None = None
        self._slots: dict[int, Pictures | Sounds] = {}
        self._sound: SoundSender | None = None
        self._picture: PictureSender | None = None
        self._sending_now = False
        self._ticks = 0

    # --- what `Peer` leaves to its kind of media ------------------------------------------

    @property
    def codec(self) -> str:
        return "VP8" if self.has_media else ""

    @property
    def has_media(self) -> bool:
        return self._transport is not None

    def send_media(self, on: bool) -> None:
        if on and not self._sending_now and self._picture is not None:
            self._picture.want_key()
        self._sending_now = on

    async def open_media(self, video: list[str], audio: list[str]) -> bool:
        loop = self._loop
        if loop is None:
            encoded = await asyncio.to_thread(self._encoded)
            loop = encoded[0]
            self._tone = encoded[1]
            self._loop = loop
            encoder.submit(loop.fill)
        ssrcs = secrets.randbits(32) | 1, secrets.randbits(32) & ~1
        transport = LightTransport(
            self._own_address,
            self._own_hop,
            on_rtp=self._take_rtp,
            on_rtcp=self._take_rtcp,
            on_lost=self.renew,
        )
        self._transport = transport
        self._sound = SoundSender(ssrcs[0], self._tone)
        self._picture = PictureSender(ssrcs[1], loop)
        started = time.monotonic()
        answer = read_answer(
            await self.exchange(offer(transport.own, ssrcs, video, audio)), video, audio
        )
        self.observations.connected(answer.slots, started)
        for name, ssrc in answer.slots.items():
            kind = Pictures if name in video else Sounds
            self._slots[ssrc] = kind(name, ssrc, self.observations, seen)
        try:
            await patiently(transport.connect(answer), MEDIA_TIMEOUT)
        except TimeoutError:
            return False
        ticker.add(self)
        return True

    async def close_media(self) -> None:
        ticker.remove(self)
        self._slots.clear()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def count_packets(self) -> None:
        for slot in self._slots.values():
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
        if self._transport is not None:
            self._transport.drain()

    def tick(self, now: float) -> None:
        """Send what is due, and reports now and then."""
        transport = self._transport
        if transport is None or self._sound is None or self._picture is None:
            return
        if self._sending_now:
            for packet in self._sound.due(now):
                transport.send_rtp(packet)
            for packet in self._picture.due(now) if self.picture_wanted else ():
                transport.send_rtp(packet)
        self._ticks += 1
        if (self._ticks + 4 * self._number) % REPORT_EVERY == 0:
            self._send_reports(transport, now)
        elif self._ticks % LOOK_EVERY == 0:
            self._ask_for_keys(transport, now)

    def _send_reports(self, transport: LightTransport, now: float) -> None:
        assert self._sound is not None
        assert self._picture is not None
        assert self._loop is not None
        local = time.localtime()
        if self._loop.show(local.tm_hour, local.tm_min):
            self._picture.want_key()
        ssrc = self._sound.ssrc
        heard = [slot for slot in self._slots.values() if slot.reception.packets]
        parts = [receiver_report(ssrc, [slot.reception.block(now) for slot in heard])]
        if self._sending_now:
            wall = time.time()
            parts += [sender_report(s, now, wall) for s in (self._sound, self._picture)]
        transport.send_rtcp(b"".join(parts))

    def _ask_for_keys(self, transport: LightTransport, now: float) -> None:
        assert self._sound is not None
        ssrc = self._sound.ssrc
        parts = [
            picture_loss(ssrc, slot.reception.ssrc)
            for slot in self._slots.values()
            if isinstance(slot, Pictures) and slot.wants_key(now)
        ]
        if parts:
            transport.send_rtcp(b"".join((receiver_report(ssrc, []), *parts)))

    def _take_rtp(self, sealed: bytes) -> None:
        second, sequence, timestamp, ssrc = RTP_HEADER.unpack_from(sealed)
        slot = self._slots.get(ssrc)
        if slot is not None and self._transport is not None:
            unseal = self._transport.open_rtp
            slot.take(sealed, sequence, timestamp, second >= 0x80, time.monotonic(), unseal)

    def _take_rtcp(self, packet: bytes) -> None:
        at = 0
        while at + 12 <= len(packet):
            form, kind = packet[at] & 0x1F, packet[at + 1]
            size = 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
            if kind == 206 and form in (1, 4) and self._picture is not None:
                self._picture.want_key()  # PLI, or FIR (RFC 5104 section 4.3.1)
            elif kind == 200 and at + 16 <= len(packet):
                slot = self._slots.get(int.from_bytes(packet[at + 4 : at + 8], "big"))
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
