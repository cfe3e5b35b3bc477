"""Reads test cards and tones out of received tracks, until a track ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from endpoints.webrtc import test_card, tone


def luma_of(frame: VideoFrame) -> test_card.Plane:
    """The luma plane of a picture in planar YUV, where it lies: nothing is copied or converted."""
    plane = frame.planes[0]
    lines: test_card.Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width]


async def read_cards(track: MediaStreamTrack) -> AsyncIterator[tuple[test_card.Reading, int]]:
    """Each test card that a video track shows, and the height of its picture in pixels."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, VideoFrame)
        luma = luma_of(frame)
        reading = test_card.read(luma)
        if reading is not None:
            yield reading, luma.shape[0]


async def read_tones(track: MediaStreamTrack) -> AsyncIterator[int]:
    """The number of the point whose tone a sound track carries, each time that it is detected."""
    detector = tone.Detector()
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, AudioFrame)
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
        number = detector.feed(samples.astype(np.float64), frame.pts or 0)
        if number:
            yield number
