"""Simulated points: real WebRTC peers with a test card and a tone, that report what they see.

``python -m endpoints.simulation`` runs any number of them in one process; the demo starts it.
It reads one JSON object from standard input, ``{"url": …, "points": [{"id", "key", "number",
"address"}, …]}``, and ends when standard input closes. Each point has the real agent beside it.
Further lines put faults in: ``{"point": …, "impair": "loss-down=5%", "missing": ["camera"],
"kiosk": "failed", "machine": {"disk": 0.99}, "agent": false}``; what a line does not name is well.
``{"point": …, "count": FILE}`` changes nothing: what the line did to probes is written to the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import logging
import re
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs.opus import OpusEncoder
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, Packet, VideoFrame

from bridge.media import rtp
from endpoints.agent.agent import Agent
from endpoints.netem.model import Impaired, Impairment, Profile, parse
from endpoints.reflector.socket import Hop
from endpoints.webrtc import aiortc_seams, test_card, tone
from endpoints.webrtc.client import RETRY, BridgeClient, Refused

log = logging.getLogger("simulated")

FRAME_RATE = 15
AUDIO_FRAME = 960  # samples, 20 ms
TONE_SETTLE, TONE_LOOP = 10, 50  # packets: left out at the start, repeated
MOST_BEHIND = 5  # packets; what a pause left out is not made up for
SETTLE = 1920  # samples at the start of a decoded window that are not judged
REPORT_INTERVAL = 0.5
STATS_EVERY = 6  # reports between two looks at packet loss
MEDIA_TIMEOUT = 10.0  # seconds from the answer to connected


class CardTrack(MediaStreamTrack):
    """The test card, encoded live, `FRAME_RATE` pictures a second."""

    kind = "video"

    def __init__(self, number: int, *, width: int, height: int) -> None:
        super().__init__()
        self._card = test_card.TestCard(number, width=width, height=height)
        self._start = time.monotonic()
        self._count = 0
        self.active = asyncio.Event()  # only while the point is in a conference it sends

    async def recv(self) -> VideoFrame:
        await self.active.wait()
        self._count = max(self._count + 1, int((time.monotonic() - self._start) * FRAME_RATE))
        due = self._start + self._count / FRAME_RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        picture = self._card.render(round(time.monotonic() * 1000))
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = self._count * (90_000 // FRAME_RATE)
        frame.time_base = fractions.Fraction(1, 90_000)
        return frame


def encoded_tone(number: int) -> list[bytes]:
    """The tone as a loop of Opus packets, 20 ms each. Encoding sound for twelve points live
    would cost more than all the rest of them; pictures are encoded live."""
    encoder = OpusEncoder()
    packets: list[bytes] = []
    for index in range(TONE_SETTLE + TONE_LOOP):
        samples = tone.samples(number, index * AUDIO_FRAME, AUDIO_FRAME)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = tone.RATE
        frame.pts = index * AUDIO_FRAME
        frame.time_base = fractions.Fraction(1, tone.RATE)
        packets += encoder.encode(frame)[0]
    return packets[-TONE_LOOP:]


class ToneTrack(MediaStreamTrack):
    """The tone, 50 packets a second."""

    kind = "audio"

    def __init__(self, number: int) -> None:
        super().__init__()
        self._packets = encoded_tone(number)
        self._start = time.monotonic()
        self._count = 0
        self.active = asyncio.Event()

    async def recv(self) -> Packet[Any]:
        await self.active.wait()
        passed = int((time.monotonic() - self._start) * tone.RATE / AUDIO_FRAME)
        self._count = max(self._count, passed - MOST_BEHIND)
        due = self._start + self._count * AUDIO_FRAME / tone.RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        packet: Packet[Any] = Packet(self._packets[self._count % TONE_LOOP])
        packet.pts = self._count * AUDIO_FRAME
        packet.time_base = fractions.Fraction(1, tone.RATE)
        self._count += 1
        return packet


def _without_remb(sdp: str) -> str:
    """Leave abs-send-time out of an offer: aiortc would answer every few packets with an
    estimate that nobody needs on loopback."""
    return "".join(line for line in sdp.splitlines(True) if rtp.URI_ABS_SEND_TIME not in line)


@dataclass(slots=True)
class Observation:
    """What was last seen or heard in one slot. Times are monotonic seconds."""

    number: int = 0
    since: float = 0.0  # when this source was first seen in the slot
    first: float = 0.0  # first picture or sound of any source since the media came up
    latency_ms: float | None = None
    packets: int = 0
    lost: int = 0
    height: int = 0


@dataclass(slots=True)
class Facts:
    """The simulated room PC, for its agent: what it has, and faults put into it."""

    missing: set[str] = field(default_factory=set)
    kiosk: str = "headless"
    machine: dict[str, Any] = field(default_factory=dict)

    def has(self, kind: str) -> bool:
        return kind not in self.missing

    def devices(self) -> list[dict[str, str]]:
        names = {"camera": "Test card", "microphone": "Tone", "speaker": "Nobody listens"}
        return [{"kind": k, "name": n} for k, n in names.items() if self.has(k)]

    def state_of(self) -> dict[str, Any]:
        healthy = {
            "cpu": 0.1,
            "memory": 0.4,
            "disk": 0.3,
            "disk_free": 50 << 30,
            "temperature": 45.0,
            "synchronised": True,
            "clock_error": 0.001,
        }
        return healthy | self.machine


@dataclass(slots=True)
class SimulatedPoint:
    """One point: joins, sends, watches, reports, recovers."""

    url: str
    id: str
    key: str
    number: int
    address: str | None
    names: dict[int, str]
    width: int = 320
    height: int = 180
    sources: Callable[[], tuple[Any, Any]] | None = None
    """Sound and picture to send; the tone and the test card where left out."""
    tls: ssl.SSLContext | None = None
    hop: Hop | None = None
    facts: Facts = field(default_factory=Facts)
    _client: BridgeClient = field(init=False)
    _slots: dict[str, Observation] = field(default_factory=dict)
    _present_since: dict[str, float] = field(default_factory=dict)
    _connected_at: float = 0.0
    _welcome: dict[str, Any] | None = None
    _pc: RTCPeerConnection | None = None
    _receivers: dict[str, RTCRtpTransceiver] = field(default_factory=dict)
    _sending: tuple[Any, Any] | None = None
    _inside: bool = False
    _status_sent: tuple[bool, bool] | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _renew: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Live until cancelled."""
        aiortc_seams.local_address.set(self.address)
        aiortc_seams.line.set(self.hop)
        self._client = BridgeClient(self.url, self.id, self.key, self._message, tls=self.tls)
        jobs = [self._client.run(), self._media(), self._report()]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drop()

    def _message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                self._welcome = message
                self._status_sent = None
                if not (message["media"] and self._pc is not None):
                    self._renew.set()
            case "media":
                self._renew.set()
            case "state":
                now = time.monotonic()
                conference = message.get("conference")
                seat = conference["seats"].get(self.id) if conference else None
                self._inside = bool(seat and seat["called"])
                self._activate()
                for point, presence in message["points"].items():
                    if presence == "in_session":
                        self._present_since.setdefault(point, now)
                    else:
                        self._present_since.pop(point, None)

    def _activate(self) -> None:
        """Send picture and sound only inside a conference."""
        for track in self._sending or ():
            if self._inside:
                track.active.set()
            else:
                track.active.clear()
        if self._status_sent != (self._inside, self._pc is not None):
            self._status_sent = (self._inside, self._pc is not None)
            status = {
                "type": "status",
                "camera": self.facts.has("camera"),
                "microphone": self.facts.has("microphone"),
                "sending": self._inside,
            }
            task = asyncio.create_task(self._client.send(status))
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
                log.warning("%s: %s", self.id, error)
            self._renew.set()

    async def _connect(self) -> bool:
        """Offer, take the answer, wait for media; True where it came up."""
        assert self._welcome is not None
        slots = self._welcome["slots"]
        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._pc = pc
        up = asyncio.Event()

        @pc.on("connectionstatechange")
        def changed() -> None:
            if pc.connectionState == "connected":
                up.set()
            elif pc.connectionState in ("failed", "closed") and self._pc is pc:
                self._renew.set()

        voice, card = self.sources() if self.sources is not None else self._card_and_tone()
        self._sending = (voice, card)
        self._activate()
        pc.addTransceiver(voice, direction="sendonly")
        pc.addTransceiver(card, direction="sendonly")
        self._receivers = {
            name: pc.addTransceiver("video", direction="recvonly") for name in slots["video"]
        } | {name: pc.addTransceiver("audio", direction="recvonly") for name in slots["audio"]}
        await pc.setLocalDescription(await pc.createOffer())
        started = time.monotonic()
        answer = await self._client.offer(_without_remb(pc.localDescription.sdp))
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._connected_at = started
        self._slots = {name: Observation() for name in self._receivers}
        for name, transceiver in self._receivers.items():
            watch = self._watch if transceiver.kind == "video" else self._listen
            task = asyncio.create_task(watch(name, transceiver.receiver.track))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            async with asyncio.timeout(MEDIA_TIMEOUT):
                await up.wait()
        except TimeoutError:
            return False
        return True

    def _card_and_tone(self) -> tuple[Any, Any]:
        card = CardTrack(self.number, width=self.width, height=self.height)
        return ToneTrack(self.number), card

    async def _drop(self) -> None:
        pc, self._pc = self._pc, None
        for task in list(self._tasks):
            task.cancel()
        if pc is not None:
            await pc.close()
        for track in self._sending or ():
            track.stop()
        self._sending = None

    def _saw(self, slot: str, number: int) -> Observation:
        now = time.monotonic()
        observation = self._slots[slot]
        if not observation.first:
            observation.first = now
        if observation.number != number:
            observation.number = number
            observation.since = now
        return observation

    async def _watch(self, slot: str, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, VideoFrame)
            luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
            reading = test_card.read(luma)
            if reading is None:
                continue
            observation = self._saw(slot, reading.number)
            now_ms = round(time.monotonic() * 1000)
            observation.latency_ms = (now_ms - reading.time_ms) % test_card.TIME_MODULUS
            observation.height = luma.shape[0]

    async def _listen(self, slot: str, track: MediaStreamTrack) -> None:
        window = np.empty(0)
        last_pts = 0
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
            pts = frame.pts or 0
            if pts - last_pts > 2 * AUDIO_FRAME:  # a new window: the decoder was idle
                window = np.empty(0)
            last_pts = pts
            window = np.concatenate([window, samples.astype(np.float64)])
            if len(window) >= SETTLE + tone.WINDOW:
                number = tone.detect(window[-tone.WINDOW :])
                if number:
                    self._saw(slot, number)

    # --- reports ------------------------------------------------------------------------

    async def _report(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            count += 1
            if count % STATS_EVERY == 0:
                await self._look_at_loss()
            slots = [
                self._slot_report(slot, seen) for slot, seen in self._slots.items() if seen.number
            ]
            await self._client.send({"type": "report", "slots": slots})

    def _slot_report(self, slot: str, seen: Observation) -> dict[str, Any]:
        point = self.names.get(seen.number, "")
        start = max(self._connected_at, self._present_since.get(point, 0.0))
        return {
            "slot": slot,
            "point": point,
            "since": seen.since,
            "first_frame_ms": max(0.0, (seen.first - start) * 1000),
            "latency_ms": seen.latency_ms,
            "packets": seen.packets,
            "lost": seen.lost,
            "frame_height": seen.height,
        }

    async def _look_at_loss(self) -> None:
        for name, transceiver in self._receivers.items():
            if name not in self._slots:
                continue
            report = await transceiver.receiver.getStats()
            inbound = [s for s in report.values() if s.type == "inbound-rtp"]
            self._slots[name].packets = sum(s.packetsReceived for s in inbound)
            self._slots[name].lost = sum(max(0, s.packetsLost) for s in inbound)

    @property
    def codec(self) -> str:
        """The video codec that the bridge chose, in capitals; "" before there is an answer."""
        description = self._pc.remoteDescription if self._pc is not None else None
        found = re.search(r"a=rtpmap:\d+ (VP8|H264)/90000", description.sdp if description else "")
        return found[1] if found else ""

    def refresh(self) -> None:
        """The room PC changed: tell the bridge."""
        self._status_sent = None
        if self._pc is not None:
            self._activate()

    async def leave(self) -> None:
        with contextlib.suppress(AttributeError):
            await self._client.close()


class Room:
    """A simulated point and its agent, on one impaired line."""

    def __init__(self, config: dict[str, Any], point: dict[str, Any]) -> None:
        self.hop = Hop(
            Impairment(Profile(), 2 * point["number"]),
            Impairment(Profile(), 2 * point["number"] + 1),
        )
        self.point = SimulatedPoint(
            url=config["url"],
            id=point["id"],
            key=point["key"],
            number=point["number"],
            address=point.get("address"),
            hop=self.hop,
            names={int(number): name for number, name in config["names"].items()},
        )
        self._agent: asyncio.Task[None] | None = None
        self._clock_ahead = 0.0
        self.fault(point.get("fault", {}))

    def fault(self, fault: dict[str, Any]) -> None:
        """Make the room as a line of standard input says."""
        text = fault.get("impair", "")
        self.hop.set(parse(f"{self.point.id}:{text}") if text else Impaired.none(self.point.id))
        facts = self.point.facts
        facts.missing = set(fault.get("missing", ()))
        facts.kiosk = fault.get("kiosk", "headless")
        facts.machine = fault.get("machine", {})
        self.point.refresh()
        wanted = fault.get("agent", True)
        if wanted and self._agent is None:
            self._agent = asyncio.create_task(self._run_agent())
        elif not wanted and self._agent is not None:
            self._agent.cancel()
            self._agent = None

    def count(self, path: Path) -> None:
        """Write down what the line did to probes so far."""
        found = {
            "offered": self.hop.probes_offered,
            "lost_down": self.hop.probes_lost_down,
            "lost_up": self.hop.probes_lost_up,
        }
        new = path.with_suffix(".new")
        new.write_text(json.dumps(found), "utf-8")
        new.replace(path)

    async def _run_agent(self) -> None:
        aiortc_seams.local_address.set(self.point.address)
        aiortc_seams.line.set(self.hop)
        agent = Agent(
            self.point.url,
            self.point.id,
            self.point.key,
            self.point.facts,
            host=self.point.address or "127.0.0.1",
            kiosk_state=lambda: self.point.facts.kiosk,
            hop=self.hop,
        )
        await agent.run()

    async def close(self) -> None:
        if self._agent is not None:
            self._agent.cancel()
            await asyncio.gather(self._agent, return_exceptions=True)
        await self.point.leave()


async def run(rooms: dict[str, Room]) -> None:
    """Run all points until cancelled."""
    tasks = [asyncio.create_task(room.point.run()) for room in rooms.values()]
    try:
        await asyncio.gather(*tasks)
    finally:
        await asyncio.gather(*(room.close() for room in rooms.values()), return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    config = json.loads(await reader.readline())
    aiortc_seams.install()
    rooms = {point["id"]: Room(config, point) for point in config["points"]}
    task = asyncio.create_task(run(rooms))
    while line := await reader.readline():  # the parent closes standard input, or is gone
        fault = json.loads(line)
        room = rooms.get(fault["point"])
        if room is not None and "count" in fault:
            room.count(Path(fault["count"]))
        elif room is not None:
            room.fault(fault)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
