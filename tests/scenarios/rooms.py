"""Simulated rooms: a camera that sends simulcast VP8 with temporal layers, and a receiver that
reports as a browser does. Neither has a clock or a socket."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.media import messages as m
from bridge.media import rtcp, rtp, transport_cc, vp8
from tests.media.support import CAMERA_PT, LEVEL, MID, OPUS_PT, RID, TRANSPORT_CC, TestPeer

MTU = 1100  # octets of a payload
PATTERN = (0, 2, 1, 2)  # temporal layers of successive frames
SYNC = (False, True, True, False)
WEIGHT = (2.0, 0.7, 1.0, 0.7)  # octets of frames of the pattern, relative
KEY_FRAME = 5.0  # times the mean frame
LAYERS = (
    m.LayerSpec(rid="q", height=180, bitrate=150_000, frame_rate=15),
    m.LayerSpec(rid="h", height=360, bitrate=500_000, frame_rate=30),
    m.LayerSpec(rid="f", height=720, bitrate=1_500_000, frame_rate=30),
)
FEEDBACK_EVERY = 0.1  # seconds
NACK_AFTER, NACK_AGAIN, NACK_TRIES = 0.02, 0.1, 6
GIVE_UP = 0.5  # seconds after which a missing packet means asking for a key frame
WIRE = 28  # octets of IP and UDP headers


@dataclass
class Encoder:
    """One layer of a camera."""

    spec: m.LayerSpec
    ssrc: int
    random: random.Random
    temporal: bool = True
    enabled: bool = True
    key_frame: bool = True
    key_frames: int = 0
    number: int = 100
    picture: int = 5
    tl0: int = 0
    position: int = 0
    due: float = 0.0

    def frames(self, now: float) -> list[bytes]:
        """The packets due by ``now``, in the clear."""
        out: list[bytes] = []
        while self.due <= now:
            self.due += 1 / self.spec.frame_rate
            if self.enabled:
                out += self._frame(now)
        return out

    def _frame(self, now: float) -> list[bytes]:
        key, self.key_frame = self.key_frame, False
        if key:
            self.position = 0
            self.key_frames += 1
        at = self.position % len(PATTERN)
        self.position += 1
        mean = self.spec.bitrate / 8 / self.spec.frame_rate
        weight = KEY_FRAME if key else (WEIGHT[at] / (sum(WEIGHT) / 4) if self.temporal else 1.0)
        size = max(60, round(mean * weight * self.random.uniform(0.8, 1.2)))
        tid = PATTERN[at] if self.temporal else 0
        if tid == 0:
            self.tl0 = (self.tl0 + 1) & 0xFF
        self.picture = (self.picture + 1) & 0x7FFF
        packets: list[bytes] = []
        timestamp = round(now * 90000)
        while size > 0:
            body = min(size, MTU)
            size -= body
            head = descriptor(
                start=not packets,
                picture=self.picture,
                tl0=self.tl0,
                tid=tid if self.temporal else -1,
                sync=SYNC[at] or key,
                key=key,
            )
            extensions = [(MID, b"1")]
            if self.spec.rid:
                extensions.append((RID, self.spec.rid.encode()))
            packets.append(
                rtp.build(
                    payload_type=CAMERA_PT,
                    sequence_number=self.number,
                    timestamp=timestamp,
                    ssrc=self.ssrc,
                    payload=head + bytes(body),
                    marker=size <= 0,
                    extensions=tuple(extensions),
                )
            )
            self.number += 1
        return packets


def descriptor(*, start: bool, picture: int, tl0: int, tid: int, sync: bool, key: bool) -> bytes:
    """A VP8 payload descriptor as Chromium writes it, and the first octet of the VP8 header."""
    extension = 0xE0 if tid >= 0 else 0xC0
    head = bytes((0x90 if start else 0x80, extension, 0x80 | picture >> 8, picture & 0xFF, tl0))
    if tid >= 0:
        head += bytes((tid << 6 | (0x20 if sync else 0),))
    return head + bytes((0 if key else 1,))


@dataclass
class Camera:
    """A room that sends: its layers and its voice. ``send`` takes a packet in the clear."""

    peer: TestPeer
    encoders: list[Encoder]
    voice: bool = True
    audio_number: int = 0
    audio_due: float = 0.0
    obeys: bool = True
    loss: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def step(self, now: float, send: Callable[[TestPeer, bytes], None]) -> None:
        for encoder in self.encoders:
            for packet in encoder.frames(now):
                if self.random.random() >= self.loss:
                    send(self.peer, packet)
        while self.voice and self.audio_due <= now:
            self.audio_due += 0.02
            self.audio_number += 1
            send(
                self.peer,
                rtp.build(
                    payload_type=OPUS_PT,
                    sequence_number=self.audio_number & 0xFFFF,
                    timestamp=self.audio_number * 960,
                    ssrc=self.peer.spec.sources[1].ssrcs[0].ssrc,
                    payload=bytes(80),
                    extensions=((MID, b"0"), (LEVEL, bytes([20]))),
                ),
            )

    def hear(self, compound: bytes) -> None:
        """RTCP of the bridge: only requests for key frames matter here."""
        for message in rtcp.parse(compound) or []:
            if isinstance(message, rtcp.KeyFrameRequest):
                for encoder in self.encoders:
                    if encoder.ssrc == message.media_ssrc:
                        encoder.key_frame = True

    def want(self, layers: tuple[str, ...]) -> None:
        """The bridge says which layers are needed."""
        if not self.obeys:
            return
        for encoder in self.encoders:
            on = encoder.spec.rid in layers or not encoder.spec.rid
            if on and not encoder.enabled:
                encoder.key_frame = True
            encoder.enabled = on


@dataclass
class Stream:
    """What a receiver knows of one slot."""

    highest: int = -1
    missing: dict[int, list[float]] = field(default_factory=dict)  # index → first, next, tries
    packets: dict[int, tuple[int, bool, int, bool]] = field(default_factory=dict)
    frames: list[tuple[float, int]] = field(default_factory=list)  # when whole, octets
    pictures: list[tuple[int, int]] = field(default_factory=list)  # picture id, tl0, as shown
    octets: int = 0
    lost: int = 0
    received: int = 0
    asked: float = -1.0
    delays: list[float] = field(default_factory=list)


@dataclass
class Receiver:
    """A room that receives, with transport-cc (or REMB and receiver reports), NACK and PLI."""

    peer: TestPeer
    recorder: transport_cc.Recorder = field(default_factory=transport_cc.Recorder)
    streams: dict[int, Stream] = field(default_factory=dict)
    next_feedback: float = 0.0
    octets: int = 0
    key_frames_asked: int = 0
    on_frame: Callable[[int, bool], None] | None = None
    # Its process: until when it does not run, until when it is busy with what has waited, how many
    # datagrams wait, how many its socket has room for, and the seconds that each of them takes.
    asleep: float = 0.0
    busy: float = 0.0
    waiting: int = 0
    room: int = 1 << 20
    pace: float = 2e-4

    def sleep(self, until: float) -> None:
        """Its process does not run for a while."""
        self.asleep = until

    def take(self, data: bytes, sent_at: float, now: float) -> None:
        """A datagram that has waited is read."""
        self.waiting -= 1
        self.receive(data, sent_at, now)

    def receive(self, data: bytes, sent_at: float, now: float) -> None:
        """A datagram of the bridge arrived."""
        self.octets += len(data) + WIRE
        if 192 <= data[1] <= 223:
            return
        packet = self.peer.rx.unprotect(data)
        pos, length = rtp.find_extension(packet, TRANSPORT_CC)
        if length:
            self.recorder.add(packet[pos] << 8 | packet[pos + 1], now)
        ssrc = int.from_bytes(packet[8:12], "big")
        number = packet[2] << 8 | packet[3]
        payload = packet[rtp.payload_offset(packet) :]
        if packet[0] & rtp.PADDING_BIT and packet[-1] == len(payload):
            return
        for slot in self.peer.spec.slots:
            if slot.ssrc == ssrc:
                self._media(slot, number, packet, payload, now)
                self.streams[ssrc].delays.append(now - sent_at)
            elif slot.rtx_ssrc and slot.rtx_ssrc == ssrc and len(payload) > 2:
                original = payload[0] << 8 | payload[1]
                self._media(slot, original, packet, payload[2:], now, repaired=True)

    def _media(
        self,
        slot: m.SlotSpec,
        number: int,
        packet: bytes,
        payload: bytes,
        now: float,
        *,
        repaired: bool = False,
    ) -> None:
        stream = self.streams.setdefault(slot.ssrc, Stream())
        if stream.highest < 0:
            stream.highest = number - 1
        index = rtp.unwrap(number, stream.highest)
        if index in stream.packets or (repaired and index not in stream.missing):
            return
        if index > stream.highest:
            for lost in range(stream.highest + 1, index):
                stream.missing[lost] = [now, now + NACK_AFTER, 0]
            stream.highest = index
        stream.missing.pop(index, None)
        stream.received += 1
        stream.octets += len(payload)
        timestamp = int.from_bytes(packet[4:8], "big")
        marker = bool(packet[1] & 0x80)
        start = bool(payload) and slot.kind == "video" and bool(payload[0] & 0x10)
        stream.packets[index] = (timestamp, marker, len(payload), start)
        if slot.kind == "video" and payload:
            self._complete(stream, index, timestamp, payload, now)
        if len(stream.packets) > 800:
            for old in list(stream.packets)[:300]:
                del stream.packets[old]

    @staticmethod
    def _complete(stream: Stream, index: int, timestamp: int, payload: bytes, now: float) -> None:
        """Count a frame once all of its packets are there."""
        first = last = index
        packets = stream.packets
        while not packets[first][3]:
            if first - 1 not in packets or packets[first - 1][0] != timestamp:
                return
            first -= 1
        while not packets[last][1]:
            if last + 1 not in packets or packets[last + 1][0] != timestamp:
                return
            last += 1
        octets = sum(packets[i][2] for i in range(first, last + 1))
        stream.frames.append((now, octets))
        numbers = vp8.numbers(payload)
        stream.pictures.append((numbers.picture_id, numbers.tl0_index))

    def step(self, now: float, send: Callable[[TestPeer, bytes], None]) -> None:
        """Report what is due."""
        empty = rtcp.build_receiver_report(9, ())
        for slot in self.peer.spec.slots:
            stream = self.streams.get(slot.ssrc)
            if stream is None:
                continue
            due = []
            for index, entry in list(stream.missing.items()):
                if now - entry[0] > GIVE_UP:
                    del stream.missing[index]
                    stream.lost += 1
                    if slot.kind == "video" and now - stream.asked > 0.5:
                        stream.asked = now
                        self.key_frames_asked += 1
                        send(self.peer, empty + rtcp.build_pli(9, slot.ssrc))
                elif slot.rtx_ssrc and entry[1] <= now and entry[2] < NACK_TRIES:
                    entry[1] = now + NACK_AGAIN
                    entry[2] += 1
                    due.append(index & 0xFFFF)
            if due:
                send(self.peer, empty + rtcp.build_nack(9, slot.ssrc, due))
        if now >= self.next_feedback:
            self.next_feedback = now + FEEDBACK_EVERY
            while fci := self.recorder.flush():
                send(self.peer, empty + rtcp.build_transport_cc(9, 1, fci))

    def stream(self, slot: str) -> Stream:
        """What arrived in a slot."""
        return self.streams.setdefault(self.peer.slot(slot).ssrc, Stream())
