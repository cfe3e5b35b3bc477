"""A stretch of a recording on the disk: a Matroska file that is playable at any moment.

A cluster is written as soon as half a second of sound and picture is together, in one call, so a
file that is cut anywhere lacks no more than that and what was not mixed yet.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext

from bridge.media import vp8
from bridge.programme import matroska as mkv
from bridge.programme.frames import ANNEX_B, Frame, parameter_sets
from bridge.programme.mixer import BLOCK, RATE, Samples

CLUSTER_MS = 500  # of a cluster, at the most
CLUSTER_OCTETS = 1 << 20
BLOCK_MS = BLOCK * 1000 // RATE
SOUND_BITRATE = 64_000  # bit/s of all voices together
UNKNOWN = (1280, 720)  # pixels of a picture that says nothing of its size
CONTENT_SIZE = (1920, 1080)  # and of a shared screen that was not seen yet
SUFFIX = ".part.mkv"


def name_of(began: float) -> str:
    """A part's file name: when it began (UTC seconds), in ms."""
    return f"{round(began * 1000):015d}{SUFFIX}"


def began_of(path: Path) -> float:
    """When a part began, UTC seconds; by its name."""
    return int(path.name.removesuffix(SUFFIX)) / 1000


class Part:
    """One file, made at once. Raises OSError where it cannot be written."""

    def __init__(
        self, folder: Path, began: float, codec: str, first: Frame | None, voices: int = 0
    ) -> None:
        """``began`` is UTC seconds, ``codec`` "vp8" or "h264"; ``first`` is the first picture, if
        there is one, and ``voices`` how many voices have tracks of their own."""
        self.path = folder / name_of(began)
        self.began = began
        self._h264 = codec == "h264"
        self._blocks: list[mkv.Block] = []
        self._last = dict.fromkeys((mkv.PROGRAMME, mkv.CONTENT, *mkv.VOICES), -1)
        self._sounds = 0
        self._mixed = 0  # ms of sound that are here
        self._written = 0  # ms up to which clusters are on the disk
        self.frames = 0
        self._encoder = encoder()
        width, height = UNKNOWN
        private = b""
        if first is not None and self._h264:
            width, height = _h264_size(first.data) or UNKNOWN
            units = [u for u in parameter_sets(first.data).split(ANNEX_B) if u]
            private = mkv.avc_configuration(units)
        elif first is not None and vp8.frame_size(first.data)[0]:
            width, height = vp8.frame_size(first.data)
        picture = "V_MPEG4/ISO/AVC" if self._h264 else "V_VP8"
        tracks = (
            mkv.Track(mkv.PROGRAMME, picture, private, width, height, "Chương trình"),
            mkv.Track(mkv.CONTENT, picture, private, *CONTENT_SIZE, "Nội dung"),
            mkv.Track(mkv.SOUND, "A_OPUS", mkv.opus_head(), name="Âm thanh"),
            *(
                mkv.Track(track, "A_OPUS", mkv.opus_head(), name=f"Tiếng {number}")
                for number, track in enumerate(mkv.VOICES[:voices], 1)
            ),
        )
        head = mkv.info(title="", began=began) + mkv.tracks(tracks)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write(mkv.begin(head))
        except OSError:
            self.close()
            raise

    def picture(self, track: int, frame: Frame, instant: float) -> None:
        """Add a picture of a track; ``instant`` is UTC seconds."""
        data = _length_prefixed(frame.data) if self._h264 else frame.data
        self._add(track, instant, frame.key, data)
        self.frames += 1

    def voice(self, track: int, packet: bytes, instant: float) -> None:
        """Add a packet of Opus to the track of a voice, as it came."""
        self._add(track, instant, True, packet)

    def _add(self, track: int, instant: float, key: bool, data: bytes) -> None:
        ms = max(round((instant - self.began) * 1000), self._last[track] + 1, self._written)
        self._last[track] = ms
        self._blocks.append(mkv.Block(ms, track, key, data))

    def sound(self, first: int, samples: Samples) -> None:
        """Add a block of sound; ``first`` counts samples from where the part began."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = RATE
        frame.pts = first
        frame.time_base = Fraction(1, RATE)
        self._packets(self._encoder.encode(frame))
        self._mixed = (first + len(samples)) * 1000 // RATE

    def _packets(self, packets: Sequence[av.Packet[Any]]) -> None:
        for packet in packets:
            ms, self._sounds = self._sounds * BLOCK_MS, self._sounds + 1
            self._blocks.append(mkv.Block(ms, mkv.SOUND, True, bytes(packet)))

    def flush(self, *, all_of_it: bool = False) -> None:
        """Write what is complete. Raises OSError, as on a full disk."""
        due = self._mixed - self._written >= CLUSTER_MS
        if not self._blocks or not (due or all_of_it):
            return
        self._blocks.sort(key=lambda block: block.ms)
        until = self._blocks[-1].ms + 1 if all_of_it else self._mixed
        ready = [block for block in self._blocks if block.ms < until]
        self._blocks = [block for block in self._blocks if block.ms >= until]
        for blocks in _clusters(ready):
            self._write(mkv.cluster(blocks))
        self._written = until

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    @property
    def descriptor(self) -> int:
        """Of the file, for what brings it to the disk."""
        return self._file

    def close(self) -> None:
        """Write the rest. Raises OSError, and then the file is closed all the same."""
        try:
            self._packets(self._encoder.encode(None))
            self.flush(all_of_it=True)
            os.fsync(self._file)
        finally:
            os.close(self._file)


def encoder() -> AudioCodecContext:
    """An encoder of one channel of Opus."""
    made = av.CodecContext.create("libopus", "w")
    made.sample_rate = RATE
    made.layout = "mono"
    made.format = "flt"
    made.bit_rate = SOUND_BITRATE
    made.open()
    return made


def _clusters(blocks: list[mkv.Block]) -> list[list[mkv.Block]]:
    """Blocks by cluster: each begins where the programme can be entered, or after a while."""
    found: list[list[mkv.Block]] = []
    octets = 0
    for block in blocks:
        enters = block.key and block.track == mkv.PROGRAMME
        full = found and (
            block.ms - found[-1][0].ms >= CLUSTER_MS or octets + len(block.data) > CLUSTER_OCTETS
        )
        if not found or enters or full:
            found.append([])
            octets = 0
        found[-1].append(block)
        octets += len(block.data)
    return found


def _length_prefixed(unit: bytes) -> bytes:
    """An access unit with the sizes of its NAL units in place of start codes."""
    return b"".join(len(u).to_bytes(4, "big") + u for u in unit.split(ANNEX_B) if u)


def _h264_size(unit: bytes) -> tuple[int, int] | None:
    decoder = av.CodecContext.create("h264", "r")
    try:
        frames = [*decoder.decode(av.Packet(unit)), *decoder.decode(None)]
    except av.FFmpegError:
        return None
    frame = next((f for f in frames if isinstance(f, av.VideoFrame)), None)
    return (frame.width, frame.height) if frame is not None else None
