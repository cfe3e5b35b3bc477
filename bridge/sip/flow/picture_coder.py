"""Pictures that are decoded and encoded anew, because the other side's codec, profile, level or
packetization mode asks for it. One thread for each direction of a call; what it cannot keep up with
is left out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any, Literal

import av
from av.video.frame import PictureType, VideoFrame

from bridge.media import h264
from bridge.programme.frames import Frame, Frames
from bridge.sip.flow.streams import ParameterSets, PictureStream, Rewriter

log = logging.getLogger("sip")

Codec = Literal["vp8", "h264"]
PART = 1150  # octets of a picture in one packet
CLOCK = 90_000  # Hz
MOST_QUEUED = 3  # pictures that wait for the thread; more are left out up to the next key frame
KEY_EVERY = 4.0  # seconds between key frames that nobody asked for


class PictureCoder:
    """One direction. ``send`` gets packets, ``ask`` is called when a key frame of the source is
    needed. ``size`` is the largest picture that may leave, None for that of the source."""

    def __init__(
        self,
        source: Codec,
        target: Codec,
        rewriter: Rewriter,
        *,
        send: Callable[[bytes], None],
        ask: Callable[[], None],
        bitrate: int,
        frame_rate: float,
        size: tuple[int, int] | None = None,
        single: bool = False,
        sets: ParameterSets | None = None,
    ) -> None:
        """``bitrate`` is bit/s; ``single`` makes pictures of NAL units that fit into a packet each
        (packetization mode 0). Pictures of H.264 that lack parameter sets get those of ``sets``."""
        self._frames = Frames(source)
        self._whole = PictureStream(Rewriter(1, 96, CLOCK), sets) if sets is not None else None
        self._target = target
        self._rewriter = rewriter
        self._send = send
        self._ask = ask
        self._bitrate = bitrate
        self._apart = 1 / frame_rate * 0.9
        self._frame_rate = frame_rate
        self._size = size
        self._single = single
        self._decoder: Any = av.CodecContext.create("vp8" if source == "vp8" else "h264", "r")
        self._decoder.thread_count = 1
        self._encoder: Any = None
        self._pool = ThreadPoolExecutor(1, "picture")
        self._loop = asyncio.get_running_loop()
        self._queued = 0
        self._picture_id = rewriter.ssrc & 0x7FFF
        self._key_wanted = True
        self._keyed_at = 0.0
        self._made_at = -1.0
        self.closed = False
        self.pictures = 0

    def want_key(self) -> None:
        """The receiver needs a picture at which it can start."""
        self._key_wanted = True

    def take(self, packet: bytes, now: float) -> None:
        """Take a packet of the source."""
        packets = [packet] if self._whole is None else self._whole.take(packet, now)
        for frame in [f for whole in packets for f in self._frames.push(whole, now)]:
            if self._queued >= MOST_QUEUED:
                self._frames.need_key_frame()
                break
            self._queued += 1
            self._pool.submit(self._work, frame, now)

    @property
    def key_needed(self) -> bool:
        """Whether nothing can be decoded before the source's next key frame."""
        return self._frames.key_frame_needed

    def close(self) -> None:
        self.closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    # --- in the thread ------------------------------------------------------------------------

    def _work(self, frame: Frame, now: float) -> None:
        packets: list[bytes] = []
        try:
            packets = self._coded(frame, now)
        except av.FFmpegError as error:
            log.debug("a picture could not be coded: %s", error)
            self._loop.call_soon_threadsafe(self._ask)
        finally:
            self._loop.call_soon_threadsafe(self._done, packets, now)

    def _done(self, packets: list[bytes], now: float) -> None:
        self._queued -= 1
        if self.closed:
            return
        for packet in packets:
            self._send(packet)

    def _coded(self, frame: Frame, now: float) -> list[bytes]:
        pictures = [
            picture
            for picture in self._decoder.decode(av.Packet(frame.data))
            if isinstance(picture, VideoFrame)
        ]
        if not pictures or now - self._made_at < self._apart:
            return []
        self._made_at = now
        picture = pictures[-1]
        width, height = self._fitting(picture)
        if self._encoder is None or (self._encoder.width, self._encoder.height) != (width, height):
            self._encoder = encoder(
                self._target, width, height, self._bitrate, self._frame_rate, single=self._single
            )
            self._key_wanted = True
        shown = picture.reformat(width, height, "yuv420p")
        key = self._key_wanted or now - self._keyed_at > KEY_EVERY
        if key:
            self._key_wanted, self._keyed_at = False, now
        shown.pict_type = PictureType.I if key else PictureType.NONE
        shown.pts = round(time.monotonic() * CLOCK)
        shown.time_base = Fraction(1, CLOCK)
        self.pictures += 1
        data = b"".join(bytes(packet) for packet in self._encoder.encode(shown))
        return list(self._packets(data, round(now * CLOCK) & 0xFFFFFFFF, now))

    def _fitting(self, picture: VideoFrame) -> tuple[int, int]:
        """The size that leaves: as it came, or as much smaller as it has to be."""
        width, height = picture.width, picture.height
        if self._size is not None and (width > self._size[0] or height > self._size[1]):
            scale = min(self._size[0] / width, self._size[1] / height)
            width, height = round(width * scale), round(height * scale)
        return max(16, width & ~1), max(16, height & ~1)

    def _packets(self, data: bytes, timestamp: int, now: float) -> Iterator[bytes]:
        if self._target == "vp8":
            self._picture_id = self._picture_id + 1 & 0x7FFF
            parts = [*vp8_payloads(data, self._picture_id)]
        else:
            parts = [p for unit in nal_units(data) for p in h264_payloads(unit, self._single)]
        for index, part in enumerate(parts):
            yield self._rewriter.packet(
                self._rewriter.fresh(timestamp, now),
                timestamp,
                part,
                marker=index == len(parts) - 1,
            )


def encoder(
    codec: Codec, width: int, height: int, bitrate: int, frame_rate: float, *, single: bool
) -> Any:
    """An encoder that keeps nothing back."""
    made: Any = av.CodecContext.create("libvpx" if codec == "vp8" else "libx264", "w")
    made.width, made.height, made.pix_fmt = width, height, "yuv420p"
    made.time_base = Fraction(1, CLOCK)
    made.framerate = Fraction(round(frame_rate), 1)
    made.bit_rate = bitrate
    made.thread_count = 1
    if codec == "vp8":
        made.options = {
            "deadline": "realtime",
            "cpu-used": "-8",
            "lag-in-frames": "0",
            "error-resilient": "1",
            "undershoot-pct": "95",
            "rc_init_occupancy": "500",
        }
        return made
    rate = bitrate // 1000
    slices = f":slice-max-size={PART}" if single else ""
    made.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "x264-params": f"keyint=infinite:scenecut=0:vbv-maxrate={rate}:vbv-bufsize={rate}"
        f":repeat-headers=1{slices}",
    }
    return made


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of a stream with start codes."""
    parts = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


def h264_payloads(unit: bytes, single: bool) -> Iterator[bytes]:
    """A NAL unit in as many packets as it needs (RFC 6184 section 5.8); in mode 0 always in one."""
    if single or len(unit) <= PART:
        yield unit
        return
    head, kind = unit[0] & 0xE0 | h264.NAL_FU_A, unit[0] & 0x1F
    for at in range(1, len(unit), PART):
        part = unit[at : at + PART]
        begins, ends = at == 1, at + PART >= len(unit)
        yield bytes([head, begins << 7 | ends << 6 | kind]) + part


def vp8_payloads(frame: bytes, picture_id: int) -> Iterator[bytes]:
    """A frame with descriptors of a PictureID of 15 bits (RFC 7741 section 4.2)."""
    for at in range(0, len(frame), PART):
        first = 0x80 if at else 0x90
        yield (
            bytes((first, 0x80)) + (0x8000 | picture_id).to_bytes(2, "big") + frame[at : at + PART]
        )
