"""Encoded pictures and voices as RTP, and what is found in a file."""

from __future__ import annotations

import functools
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from bridge.media import rtp
from bridge.programme.orders import OPUS, PROGRAMME

PICTURE_SSRC, CONTENT_SSRC, VOICE_SSRC = 5000, 5001, 5100
FRAME = 3000  # of the 90 kHz clock: 30 pictures a second


@functools.cache
def vp8_frames(count: int, width: int = 64, height: int = 48, every: int = 30) -> tuple[bytes, ...]:
    """Encoded pictures that grow brighter; each ``every``-th can be entered."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    found = []
    for number in range(count):
        picture = np.full((height, width, 3), number * 5 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        frame.pict_type = av.video.frame.PictureType.I if number % every == 0 else 0
        found += [bytes(packet) for packet in encoder.encode(frame)]
    assert len(found) == count
    return tuple(found)


@functools.cache
def opus_packets(count: int, hertz: float = 440.0) -> tuple[bytes, ...]:
    """A tone in packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "mono", "flt"
    found = []
    for number in range(count):
        at = np.arange(960) + number * 960
        samples = (np.sin(at * 2 * np.pi * hertz / 48000) * 0.3).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(found[:count])


def picture_packets(
    frame: bytes, number: int, sequence_number: int, *, ssrc: int = PICTURE_SSRC, size: int = 500
) -> list[bytes]:
    """The RTP packets of a VP8 picture."""
    pieces = [frame[at : at + size] for at in range(0, len(frame), size)]
    return [
        rtp.build(
            payload_type=PROGRAMME,
            sequence_number=sequence_number + index & 0xFFFF,
            timestamp=number * FRAME & 0xFFFFFFFF,
            ssrc=ssrc,
            payload=(b"\x10" if index == 0 else b"\x00") + piece,
            marker=index == len(pieces) - 1,
        )
        for index, piece in enumerate(pieces)
    ]


def voice_packet(packet: bytes, number: int, *, ssrc: int = VOICE_SSRC) -> bytes:
    return rtp.build(
        payload_type=OPUS,
        sequence_number=number & 0xFFFF,
        timestamp=number * 960 & 0xFFFFFFFF,
        ssrc=ssrc,
        payload=packet,
        marker=False,
    )


class Found(NamedTuple):
    """What libavformat finds in a file: seconds, tracks, and the times of each one's packets."""

    seconds: float
    tracks: list[str]
    times: dict[str, list[float]]
    title: str


def read_back(path: Path) -> Found:
    """Every packet of a file, each of which a decoder takes."""
    with av.open(str(path)) as container:
        times: dict[str, list[float]] = {}
        names = {s.index: s.metadata.get("title", "") for s in container.streams}
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None:
                at = float(packet.pts * packet.time_base)
                times.setdefault(names[packet.stream.index], []).append(at)
        duration = container.duration or 0
        return Found(
            duration / 1e6, list(names.values()), times, container.metadata.get("title", "")
        )


def pictures_of(path: Path) -> list[tuple[float, int]]:
    """Seconds and brightness of every picture of the programme."""
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0.0), round(float(frame.to_ndarray(format="gray").mean())))
            for frame in container.decode(video=0)
        ]
