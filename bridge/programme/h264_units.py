"""Pictures of H.264 as a segment holds them, and the ones that are made here: out of VP8, or black
where there is none."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.video.frame import PictureType

from bridge.media import h264
from bridge.programme import fmp4
from bridge.programme import matroska as mkv

WIDTH, HEIGHT = 960, 540  # pixels of a picture that is encoded here
BIT_RATE = 1_200_000  # bit/s of these
APART = 0.035  # seconds between two of them, at the least
ENTER_EVERY = 1.9  # seconds between those that can be entered
PICTURE_KINDS = (1, 5)  # NAL units that are slices of a picture
START_CODE = re.compile(rb"\x00\x00\x00?\x01")  # of either length


class Unit(NamedTuple):
    """A picture: when it was taken (UTC seconds), whether it can be entered, its NAL units with
    their sizes, and the description of its track where it can."""

    instant: float
    key: bool
    data: bytes
    described: fmp4.Picture | None = None


def unit(instant: float, key: bool, data: bytes) -> Unit | None:
    """A picture out of an access unit with start codes; None where it is no picture, or cannot be
    entered although it should."""
    units = [part for part in START_CODE.split(data) if part]
    if not any(part[0] & 0x1F in PICTURE_KINDS for part in units):
        return None
    described = _described(data, units) if key else None
    if key and described is None:
        return None
    prefixed = b"".join(len(part).to_bytes(4, "big") + part for part in units)
    return Unit(instant, key, prefixed, described)


def _described(data: bytes, units: list[bytes]) -> fmp4.Picture | None:
    sets = [part for part in units if part[0] & 0x1F in (h264.NAL_SPS, h264.NAL_PPS)]
    configuration = mkv.avc_configuration(sets)
    size = sizes.get(configuration) or _size(data)
    if not configuration or size is None:
        return None
    if len(sizes) >= MANY:
        sizes.clear()
    sizes[configuration] = size
    return fmp4.Picture(*size, configuration)


MANY = 64  # descriptions whose size is remembered
sizes: dict[bytes, tuple[int, int]] = {}


def _size(data: bytes) -> tuple[int, int] | None:
    decoder = av.CodecContext.create("h264", "r")
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.FFmpegError:
        return None
    frame = next((f for f in frames if isinstance(f, av.VideoFrame)), None)
    return (frame.width, frame.height) if frame is not None else None


class Encoder:
    """Makes pictures of H.264 of one size, each for as little work as can be."""

    def __init__(self) -> None:
        made = av.CodecContext.create("libx264", "w")
        made.width, made.height, made.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        made.time_base = Fraction(1, fmp4.PICTURE_RATE)
        made.framerate = Fraction(25, 1)
        made.bit_rate = BIT_RATE
        made.thread_count = 1
        made.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": f"keyint=infinite:scenecut=0:vbv-maxrate={BIT_RATE * 3 // 2000}"
            f":vbv-bufsize={BIT_RATE // 1000}",
        }
        self._codec = made
        self._entered = -1e9
        self._origin: float | None = None

    def encode(self, picture: av.VideoFrame, instant: float) -> list[Unit]:
        """A picture taken at an instant (UTC seconds), in whatever size; it is made to fit."""
        if self._origin is None:
            self._origin = instant
        frame = picture.reformat(WIDTH, HEIGHT, "yuv420p")
        enters = instant - self._entered >= ENTER_EVERY
        if enters:
            self._entered = instant
        frame.pict_type = PictureType.I if enters else PictureType.NONE
        frame.pts = round((instant - self._origin) * fmp4.PICTURE_RATE)
        frame.time_base = Fraction(1, fmp4.PICTURE_RATE)
        made = (
            unit(instant, packet.is_keyframe, bytes(packet)) for packet in self._codec.encode(frame)
        )
        return [found for found in made if found is not None]


def black(instant: float) -> Unit:
    """A black picture, for as long as nobody is seen."""
    empty = np.zeros((HEIGHT * 3 // 2, WIDTH), np.uint8)
    empty[HEIGHT:] = 128
    frame = av.VideoFrame.from_ndarray(empty, format="yuv420p")
    return Encoder().encode(frame, instant)[0]


class Transcoder:
    """Pictures of VP8 as ones of H.264. What cannot be decoded is left out."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("vp8", "r")
        self._decoder.thread_count = 1
        self._encoder = Encoder()
        self._shown: av.VideoFrame | None = None
        self._made = -1e9

    def take(self, data: bytes, instant: float, *, late: bool) -> list[Unit]:
        """A frame of VP8. One that is ``late`` is decoded only, for those that follow."""
        try:
            frames = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            return []
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                self._shown = frame
        if not frames or late or instant - self._made < APART:
            return []
        return self.again(instant)

    def again(self, instant: float) -> list[Unit]:
        """The picture that is shown, once more."""
        if self._shown is None:
            return []
        self._made = instant
        return self._encoder.encode(self._shown, instant)
