"""A long recording, and one that is killed over and over (`make soak`), with a short slice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.media import rtcp
from bridge.programme import finishing
from bridge.programme import orders as o
from bridge.programme.jobs import Finished, Job
from bridge.programme.part import SUFFIX
from bridge.programme.recorder import Recorder
from bridge.programme.stream_clock import NTP_EPOCH
from tests.paths import ROOT
from tests.programme.support import (
    PICTURE_SSRC,
    VOICE_SSRC,
    opus_packets,
    picture_packets,
    voice_packet,
    vp8_frames,
)
from tests.waiting import HANG, eventually

START = 1_764_134_455.0
CYCLE = 10  # seconds: one second into each the picture is dark and the tone is heard
RATE = 30
BURST = 10  # packets of sound, 200 ms
APART = 0.040  # seconds
FAST, SLOW = 1 + 100e-6, 1 - 50e-6  # clocks of a microphone and a camera that are off


def signals() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Pictures and sound of a cycle, in which black and a tone begin after a second: not at once,
    because the first packet of an encoder of Opus is not heard in full."""
    video = av.CodecContext.create("libvpx", "w")
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    video.time_base = Fraction(1, RATE)
    video.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    pictures: list[bytes] = []
    for number in range(CYCLE * RATE):
        bright = 20 if RATE <= number < 2 * RATE else 200
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), bright, np.uint8), format="rgb24")
        frame.pts = number
        key = number % RATE == 0
        frame.pict_type = av.video.frame.PictureType.I if key else av.video.frame.PictureType.NONE
        pictures += [bytes(packet) for packet in video.encode(frame)]
    audio = av.CodecContext.create("libopus", "w")
    audio.sample_rate, audio.layout, audio.format = 48000, "mono", "flt"
    sound: list[bytes] = []
    for number in range(CYCLE * 50):
        at = np.arange(960) + number * 960
        loud = 0.5 if 50 <= number < 50 + BURST else 0.0
        samples = (np.sin(at * 2 * np.pi * 440 / 48000) * loud).astype(np.float32)
        made = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        made.sample_rate, made.pts, made.time_base = 48000, number * 960, Fraction(1, 48000)
        sound += [bytes(packet) for packet in audio.encode(made)]
    return tuple(pictures), tuple(sound[: CYCLE * 50])


def report(recorder: Recorder, ssrc: int, at: float, timestamp: int) -> None:
    """A sender report: an instant, and what the stream's clock said then."""
    ntp = round((at + NTP_EPOCH) * 2**32)
    recorder.report(
        rtcp.SenderReport(
            ssrc=ssrc, ntp=ntp, rtp=timestamp & 0xFFFFFFFF, packets=0, octets=0, blocks=()
        ),
        at,
    )


def record(folder: Path, seconds: int) -> Finished:
    """A programme and a voice whose clocks are off, for so long, by simulated time."""
    pictures, sound = signals()
    recorder = Recorder(lambda _: None)
    recorder.write(folder, "vp8", START)
    sequence_number = voices = 0
    for number in range(seconds * RATE):
        now = START + number / RATE
        stamp = round(number * 90000 / RATE * SLOW)
        for packet in picture_packets(pictures[number % len(pictures)], 0, sequence_number):
            data = bytearray(packet)
            data[4:8] = (stamp & 0xFFFFFFFF).to_bytes(4, "big")
            recorder.packet(o.PROGRAMME, bytes(data), now)
            sequence_number += 1
        while voices * 0.02 <= now - START:
            data = bytearray(voice_packet(sound[voices % len(sound)], voices))
            said = round(voices * 960 * FAST)
            data[4:8] = (said & 0xFFFFFFFF).to_bytes(4, "big")
            recorder.packet(o.OPUS, bytes(data), START + voices * 0.02)
            voices += 1
        if number % RATE == 0:
            report(recorder, PICTURE_SSRC, now, stamp)
            report(recorder, VOICE_SSRC, now, round((now - START) * 48000 * FAST))
        if number % 3 == 0:
            recorder.tick(now)
    recorder.rest()
    made = finishing.finish(Job(folder=str(folder), file="r.mkv", title="Họp"))
    assert made is not None
    return made


def begins(path: Path, kind: str) -> list[float]:
    """When black begins in the picture, or the tone in the sound; seconds."""
    found: list[float] = []
    before, quiet = False, 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(**{kind: 0}):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            at = float(frame.time or 0.0)
            if isinstance(frame, av.VideoFrame):
                now = float(frame.to_ndarray(format="gray").mean()) < 100
                if now and not before:
                    found.append(at)
                before = now
                continue
            samples = np.abs(frame.to_ndarray().reshape(-1))
            loud = np.flatnonzero(samples > 0.1)
            if len(loud):
                first = at + float(loud[0]) / 48000
                if first - quiet > 1.0:
                    found.append(first)
                quiet = at + float(loud[-1]) / 48000
    return found


@pytest.mark.parametrize(
    "seconds", [pytest.param(60, id="slice"), pytest.param(3600, marks=pytest.mark.soak, id="soak")]
)
def test_no_frame_is_lost_and_sound_stays_with_the_picture(tmp_path: Path, seconds: int) -> None:
    made = record(tmp_path, seconds)
    path = tmp_path / "r.mkv"
    assert made.seconds == pytest.approx(seconds, abs=0.5)
    with av.open(str(path)) as container:
        frames = sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))
    assert frames == seconds * RATE
    dark, tones = begins(path, "video"), begins(path, "audio")
    assert len(dark) == seconds // CYCLE
    apart = [min((tone - at for tone in tones), key=abs) for at in dark]
    print(f"{seconds} s: sound {min(apart) * 1000:.1f} to {max(apart) * 1000:.1f} ms behind")
    assert max(map(abs, apart)) <= APART


# --- killed ------------------------------------------------------------------------------------


class Programme:
    """A programme process, fed in real time, which can be killed."""

    def __init__(self, folder: Path) -> None:
        self._control, self._tap = folder / "c.sock", folder / "t.rtp"
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self, recording: Path) -> None:
        """Start it and let it write; return when something is being written."""
        self._control.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge.programme"),
            *("--control", str(self._control), "--tap", str(self._tap)),
            cwd=ROOT,
        )
        reader, writer = await eventually_connected(self._control)
        self._writer = writer
        order = o.Write(recording=recording.name, folder=str(recording), codec="vp8", free=1)
        writer.write(o.encoder.encode(order) + b"\n")
        async with asyncio.timeout(HANG):
            while not o.news_decoder.decode(await reader.readline()).writing:
                pass

    async def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        if self._writer is not None:
            self._writer.close()


async def eventually_connected(
    path: Path,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(HANG):
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.open_unix_connection(str(path))
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def fed(tap: Path) -> AsyncIterator[None]:
    """Pictures and a voice into a tap, in real time, whoever reads it."""
    frames, voices = vp8_frames(300), opus_packets(500)

    async def feed() -> None:
        out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        loop = asyncio.get_running_loop()
        began, sequence_number, said = loop.time(), 0, 0
        with contextlib.closing(out):
            for number in itertools.count():
                frame = frames[number % len(frames)]
                packets = picture_packets(frame, number, sequence_number)
                sequence_number += len(packets)
                while said * 0.02 < number / RATE:
                    packets.append(voice_packet(voices[said % len(voices)], said))
                    said += 1
                for packet in packets:
                    with contextlib.suppress(OSError):  # nobody reads now
                        out.sendto(packet, str(tap))
                await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))

    feeding = asyncio.create_task(feed())
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


def begun(recording: Path) -> bool:
    """Whether something can be played of the newest part."""
    return bool(finishing.scan(max(recording.glob("*" + SUFFIX))).clusters)


def play(path: Path) -> int:
    """Decode everything in a file; return how many pictures there are."""
    with av.open(str(path)) as container:
        return sum(isinstance(frame, av.VideoFrame) for frame in container.decode())


@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="slice"), pytest.param(50, marks=pytest.mark.soak, id="soak")]
)
async def test_every_file_plays_to_its_end_however_often_it_was_killed(
    tmp_path: Path, kills: int
) -> None:
    rng = random.Random(kills)
    recording = tmp_path / "hop-1-r1"
    programme = Programme(tmp_path)
    async with fed(tmp_path / "t.rtp"):
        for number in range(kills):
            await programme.start(recording)
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            if number == kills - 1:  # however slow the machine is, there is something to play
                await eventually(lambda: begun(recording))
            await programme.kill()
            assert len(list(recording.glob("*" + SUFFIX))) == number + 1
    shown = 0
    for part in sorted(recording.glob("*" + SUFFIX)):
        if finishing.scan(part).clusters:
            shown += play(part)
    made = finishing.finish(Job(folder=str(recording), file="r.mkv", title="Họp"))
    assert made is not None
    path = recording / "r.mkv"
    assert made.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert play(path) == shown
    print(f"{kills} kills: {len(made.stretches)} parts, {made.seconds:.1f} s, {shown} pictures")
