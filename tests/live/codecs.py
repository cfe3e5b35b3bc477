"""A codec that is not ours: baresip of Debian, which sends a test card and a tone from files, and
keeps what it sees and hears in files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import wave
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

from endpoints.webrtc import test_card, tone
from endpoints.webrtc.reading import luma_of
from tests.live.support import free_port
from tests.waiting import HANG, eventually

MODULES = Path("/usr/lib/baresip/modules")
BARESIP = shutil.which("baresip")
HOST = "127.0.0.1"
NUMBER = 9  # of the codec's card and tone
RATES = {"PCMA": 8_000, "PCMU": 8_000, "G722": 16_000, "opus": 48_000}
NAMES = {"PCMA": "PCMA", "PCMU": "PCMU", "G722": "G722/16000/1", "opus": "opus/48000/2"}
CHANNELS = {"opus": 2}
FRAME_RATE = 15

CONFIG = """sip_listen {host}:{port}
net_interface {host}
audio_source aufile,{folder}/tone.wav
audio_player aubridge,nil
audio_alert aufile,{folder}/alert.wav
video_source avformat,{folder}/card.mp4
video_display fakevideo,nil
video_size {width}x{height}
video_bitrate {bitrate}
video_fps {rate}
avcodec_h264enc libx264
avcodec_h264dec h264
rtp_ports {media}-{media_end}
module_path {modules}
module g722.so
module g711.so
module opus.so
module aufile.so
module aubridge.so
module avcodec.so
module avformat.so
module fakevideo.so
module snapshot.so
module sndfile.so
module srtp.so
module dtls_srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
snd_path {folder}
"""


def missing() -> str:
    """What baresip lacks here, as a sentence; "" where it is all there."""
    if BARESIP is None or not (MODULES / "avcodec.so").exists():
        return "baresip is missing: apt-get install baresip-core baresip-ffmpeg"
    return ""


class Baresip:
    """One process of baresip, on ports of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        sound: str = "PCMA",
        options: str = "",
        encryption: str = "",
        height: int = 180,
        moving: bool = False,
        answers: bool = True,
    ) -> None:
        """``moving`` pictures are noise that costs the bit rate of real ones; one that does not
        answer rings when it is called."""
        self._mode = "auto" if answers else "manual"
        self._height = height
        self._moving = moving
        self.folder = folder
        self.port = free_port(socket.SOCK_DGRAM, HOST)
        free_port(socket.SOCK_STREAM, HOST)  # it listens for TLS on the next port
        self._control = free_port(socket.SOCK_STREAM, HOST)
        self._sound = sound
        self._options = options + (f";mediaenc={encryption}" if encryption else "")
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.events: list[dict[str, Any]] = []
        self._reader: asyncio.Task[None] | None = None

    @property
    def uri(self) -> str:
        return f"sip:codec@{HOST}:{self.port}"

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        await asyncio.to_thread(self._write_files)
        assert BARESIP is not None
        with (self.folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(BARESIP, "-f", str(self.folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.folder,
            )
        async with asyncio.timeout(HANG):
            while self._writer is None:
                with contextlib.suppress(OSError):
                    reader, self._writer = await asyncio.open_connection(HOST, self._control)
                    break
                await asyncio.sleep(0.05)
        self._reader = asyncio.create_task(self._read(reader))

    def _write_files(self) -> None:
        media = free_port(socket.SOCK_DGRAM, HOST) & ~1
        text = CONFIG.format(
            host=HOST,
            port=self.port,
            folder=self.folder,
            rate=FRAME_RATE,
            width=self._height * 16 // 9,
            height=self._height,
            bitrate=1_500_000 if self._moving else 400_000,
            media=media,
            media_end=media + 40,
            modules=MODULES,
            control=self._control,
        )
        (self.folder / "config").write_text(text)
        account = f"<{self.uri}>;regint=0;answermode={self._mode}"
        account += f";audio_codecs={NAMES[self._sound]}"
        (self.folder / "accounts").write_text(f"{account}{self._options}\n")
        (self.folder / "contacts").write_text("")
        write_tone(self.folder / "tone.wav", RATES[self._sound], CHANNELS.get(self._sound, 1))
        write_card(self.folder / "card.mp4", self._height, moving=self._moving)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, ValueError):
            while True:  # netstrings
                size = int((await reader.readuntil(b":"))[:-1])
                self.events.append(json.loads(await reader.readexactly(size)))
                await reader.readexactly(1)

    async def command(self, name: str, parameters: str = "") -> None:
        """Give a command, as at its keyboard."""
        assert self._writer is not None
        body = json.dumps({"command": name, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        await self._writer.drain()

    def happened(self, kind: str) -> int:
        """How often an event has come, by now."""
        return sum(1 for event in self.events if event.get("type") == kind)

    async def sees(self) -> int:
        """The number in the test card of the picture that it decodes now; 0 for none."""
        for old in self.folder.glob("snapshot-recv-*.png"):
            old.unlink()
        await self.command("snapshot")
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: [*self.folder.glob("snapshot-recv-*.png")], 2.0)
        found = [*self.folder.glob("snapshot-recv-*.png")]
        return await asyncio.to_thread(number_in, found[0]) if found else 0

    def hears(self, numbers: range = range(1, 20)) -> frozenset[int]:
        """The tones in the last quarter of a second that it has played."""
        paths = sorted(self.folder.glob("*dec.wav"), key=lambda path: path.stat().st_mtime)
        if not paths:
            return frozenset()
        data = paths[-1].read_bytes()[44:]
        rate = RATES[self._sound]
        channels = CHANNELS.get(self._sound, 1)
        whole = np.frombuffer(data[: len(data) // (2 * channels) * 2 * channels], np.int16)
        samples = whole[::channels][-rate // 4 :]
        if len(samples) < rate // 4:
            return frozenset()
        return tones_in(samples.astype(np.float64), rate, numbers)

    async def stop(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self.command("quit")
            self._writer.close()
        if self._reader is not None:
            self._reader.cancel()
        if self._process is not None:
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def number_in(path: Path) -> int:
    """The number in a picture's test card; 0 for none."""
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                reading = test_card.read(luma_of(frame.reformat(format="yuv420p")))
                return reading.number if reading is not None else 0
    except (OSError, av.FFmpegError):
        pass
    return 0


def tones_in(samples: np.ndarray[Any, Any], rate: int, numbers: range) -> frozenset[int]:
    """Those of some points whose tones are there."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    least = max(0.1 * float(spectrum.sum()), len(samples) * 1e4)
    found = set()
    for number in numbers:
        peak = round(tone.frequency(number) * len(samples) / rate)
        if float(spectrum[max(0, peak - 1) : peak + 2].sum()) >= least:
            found.add(number)
    return frozenset(found)


def write_tone(path: Path, rate: int, channels: int, seconds: int = 120) -> None:
    """The codec's tone, as a file."""
    at = np.arange(rate * seconds) * (2 * np.pi * tone.frequency(NUMBER) / rate)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        samples = (tone.AMPLITUDE * np.sin(at)).astype(np.int16)
        out.writeframes(np.repeat(samples, channels).tobytes())


def write_card(path: Path, height: int = 180, *, moving: bool = False) -> None:
    """The codec's test card, as a film; ``moving`` has noise beside it."""
    width = height * 16 // 9
    seconds = 20 if moving else 120
    card = test_card.TestCard(NUMBER, width=width, height=height)
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for index in range(seconds * FRAME_RATE):
            plane = card.render(index * 66)
            if moving:
                part = plane[: height // 2, : width // 2]
                part[:] = noise.integers(60, 180, part.shape)
            frame = VideoFrame.from_ndarray(plane, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@contextlib.asynccontextmanager
async def baresip(folder: Path, **options: Any) -> AsyncIterator[Baresip]:
    """A codec that runs."""
    made = Baresip(folder, **options)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
