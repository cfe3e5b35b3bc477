"""Sound between a codec and the conference: a codec's becomes Opus, as rooms send it; the voices of
the conference are mixed and become what the codec speaks. PyAV encodes and decodes."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av import AudioFrame, AudioResampler

from bridge.media import rtp
from bridge.programme.mixer import BLOCK, RATE, Mixer, Samples, Voice
from bridge.sip.flow.streams import Rewriter

DECODERS = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw", "G722": "g722"}
SAMPLE_RATES = {"PCMU": 8_000, "PCMA": 8_000, "G722": 16_000, "OPUS": RATE}
OPUS_BITRATE = 32_000  # bit/s of a voice, as browsers send it
BEHIND = 0.06  # seconds that a voice may be late before it is mixed
DRIFT = 0.001  # seconds a second by which a voice's clock may go away from ours
APART = 0.2  # seconds after which a voice's clock is taken anew
LOUDEST, QUIETEST = 0, 127  # -dBov, RFC 6464
MOST_QUEUED = 10 * BLOCK  # samples of a codec that wait to be a whole packet


class FromCodec:
    """A codec's voice as Opus, one packet for 20 ms, each with its level (RFC 6464)."""

    def __init__(self, codec: str, clock_rate: int) -> None:
        self._codec = ""
        self._clock_rate = 0
        self._voice: Voice | None = None
        self._decoder: Any = None
        self._resampler: AudioResampler | None = None
        self._encoder = opus_encoder()
        self._queue = np.zeros(0, np.float32)
        self._expected = -1  # timestamp that goes on from the last packet
        self._time = 0  # samples of Opus' clock up to the queue's beginning
        self.use(codec, clock_rate)

    def use(self, codec: str, clock_rate: int) -> None:
        """What comes from now on is of this codec; the Opus that is made of it goes on."""
        if codec == self._codec:
            return
        if clock_rate != self._clock_rate:
            self._expected = -1  # another clock
        self._codec, self._clock_rate = codec, clock_rate
        self._voice = Voice() if codec == "OPUS" else None
        if codec != "OPUS":
            self._decoder = av.CodecContext.create(DECODERS[codec], "r")
            self._decoder.sample_rate = SAMPLE_RATES[codec]
            self._decoder.layout = "mono"
            self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)

    def take(self, payload: bytes, timestamp: int) -> list[tuple[int, bytes, int]]:
        """Packets of Opus that a codec's packet completes: timestamp, payload, -dBov."""
        if self._expected >= 0 and timestamp != self._expected:
            gap = rtp.unwrap(timestamp, self._expected, 32) - self._expected
            self._time += len(self._queue)
            self._queue = np.zeros(0, np.float32)  # what is not whole is not said
            self._time += max(0, min(RATE * 60, gap * RATE // self._clock_rate))
        samples = self._decoded(payload)
        # Of G.711 and G.722 an octet is a tick of the clock.
        span = len(samples) if self._codec == "OPUS" else len(payload)
        self._expected = timestamp + span & 0xFFFFFFFF
        self._queue = np.concatenate([self._queue, samples])[-MOST_QUEUED:]
        out: list[tuple[int, bytes, int]] = []
        while len(self._queue) >= BLOCK:
            block, self._queue = self._queue[:BLOCK], self._queue[BLOCK:]
            out += [(self._time, data, level_of(block)) for data in encoded(self._encoder, block)]
            self._time += BLOCK
        return out

    def _decoded(self, payload: bytes) -> Samples:
        if self._voice is not None:
            return self._voice.decode(payload)
        assert self._resampler is not None
        try:
            frames = self._decoder.decode(av.Packet(payload))
            parts = [
                resampled.to_ndarray().reshape(-1)
                for frame in frames
                for resampled in self._resampler.resample(_untimed(frame))
            ]
        except av.FFmpegError:
            return np.zeros(0, np.float32)
        if not parts:
            return np.zeros(0, np.float32)
        return np.concatenate(parts).astype(np.float32) / 32768.0


class ToCodec:
    """The voices of a conference, mixed, as a codec speaks: one packet for 20 ms."""

    def __init__(self, codec: str, now: float) -> None:
        """``now`` is monotonic seconds."""
        self._codec = ""
        self._mixer = Mixer(now)
        self._bases: dict[int, float] = {}
        self._laid: dict[int, float] = {}
        self._made = 0  # ticks of the codec's clock
        self.use(codec)

    def use(self, codec: str) -> None:
        """Speak this codec from now on; timestamps go on from where they are."""
        if codec == self._codec:
            return
        self._codec = codec
        rate = SAMPLE_RATES[codec]
        self._resampler = AudioResampler(format="s16", layout="mono", rate=rate)
        self._encoder = opus_encoder() if codec == "OPUS" else _encoder(DECODERS[codec], rate)

    def lay(self, packet: bytes, now: float) -> None:
        """Take a packet of a voice."""
        payload = rtp.payload(packet)
        if not payload:
            return
        timestamp = int.from_bytes(packet[4:8], "big")
        ssrc = int.from_bytes(packet[8:12], "big")
        at = timestamp / RATE
        base, before = self._bases.get(ssrc), self._laid.get(ssrc, now)
        if base is None or abs(now - at - base) > APART:
            base = now - at
        base = min(now - at, base + (now - before) * DRIFT)
        self._bases[ssrc], self._laid[ssrc] = base, now
        self._mixer.lay(ssrc, timestamp, base + at, payload)

    def take(self, now: float) -> list[tuple[int, bytes]]:
        """The packets that are due: RTP timestamp from 0 on, and payload."""
        out: list[tuple[int, bytes]] = []
        for _, block in self._mixer.take(now - BEHIND):
            if self._codec == "OPUS":
                for data in encoded(self._encoder, block):
                    out.append((self._made, data))
                    self._made += BLOCK
                continue
            for part in self._resampler.resample(_frame(block)):
                part.pts = None
                for data in map(bytes, self._encoder.encode(part)):
                    out.append((self._made, data))
                    self._made += len(data)  # G.711 and G.722: a tick for an octet
        return out


class OpusStream:
    """A codec's voice on its way to the bridge: Opus in RTP, with levels."""

    def __init__(self, rewriter: Rewriter, level_id: int) -> None:
        self.rewriter = rewriter
        self._level_id = level_id
        self._start = rewriter.ssrc >> 8 & 0xFFFF

    def packet(self, time: int, payload: bytes, level: int, now: float) -> bytes:
        """One packet; ``time`` is samples since the beginning."""
        timestamp = self._start + time & 0xFFFFFFFF
        return self.rewriter.packet(
            self.rewriter.fresh(timestamp, now),
            timestamp,
            payload,
            marker=False,
            extensions=((self._level_id, struct.pack("!B", (level < QUIETEST) << 7 | level)),),
        )


def opus_encoder() -> Any:
    """An encoder of one voice."""
    made = _encoder("libopus", RATE)
    made.bit_rate = OPUS_BITRATE
    # A fifth of the time that "voip" takes at 10; what its forward error correction would do the
    # bridge does by repetition (RFC 2198).
    made.options = {"application": "audio", "frame_duration": "20", "compression_level": "4"}
    return made


def _encoder(name: str, rate: int) -> Any:
    made: Any = av.CodecContext.create(name, "w")
    made.sample_rate = rate
    made.layout = "mono"
    made.format = "s16"
    made.time_base = Fraction(1, rate)
    return made


def encoded(encoder: Any, block: Samples) -> list[bytes]:
    """What an encoder makes of 20 ms at 48 kHz."""
    frame = _frame(block)
    frame.pts = None
    return [bytes(packet) for packet in encoder.encode(frame)]


def _frame(block: Samples) -> AudioFrame:
    samples = (np.clip(block, -1.0, 1.0) * 32767.0).astype(np.int16)
    frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = RATE
    return frame


def _untimed(frame: AudioFrame) -> AudioFrame:
    frame.pts = None
    return frame


def level_of(block: Samples) -> int:
    """The level of 20 ms in -dBov, 0 for the loudest and 127 for silence (RFC 6464)."""
    power = float(np.mean(np.square(block)))
    if power <= 0:
        return QUIETEST
    return max(LOUDEST, min(QUIETEST, round(-10 * math.log10(power))))
