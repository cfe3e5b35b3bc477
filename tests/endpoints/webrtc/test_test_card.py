"""A test card can be read back, also after compression and scaling."""

from __future__ import annotations

import fractions

import numpy as np
import pytest
from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder
from aiortc.jitterbuffer import JitterFrame
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from endpoints.webrtc import test_card


@given(st.integers(1, 255), st.integers(0, 2**40 - 1))
def test_cells(number: int, time_ms: int) -> None:
    bits = test_card.encode(number, time_ms)
    assert test_card.decode(bits) == (number, time_ms)
    for position in range(0, 64, 7):
        bits[position] ^= 1
        assert test_card.decode(bits) is None
        bits[position] ^= 1


@pytest.mark.parametrize(("width", "height"), [(160, 90), (320, 180), (640, 360), (1280, 720)])
def test_cards_of_every_size(width: int, height: int) -> None:
    card = test_card.TestCard(12, width=width, height=height)
    assert test_card.read(card.render(987_654_321)[:height]) == (12, 987_654_321)


def test_a_card_survives_vp8() -> None:
    encoder, decoder = Vp8Encoder(), Vp8Decoder()
    card = test_card.TestCard(7)
    payloads, _ = encoder.encode(_frame(card, 1234), force_keyframe=True)
    from aiortc.codecs import vpx

    data = b"".join(vpx.vp8_depayload(payload) for payload in payloads)
    (frame,) = decoder.decode(JitterFrame(data, 0))
    assert isinstance(frame, VideoFrame)
    luma = frame.to_ndarray(format="gray").astype(np.uint8)
    assert test_card.read(luma) == (7, 1234)


def _frame(card: test_card.TestCard, time_ms: int) -> VideoFrame:
    frame = VideoFrame.from_ndarray(card.render(time_ms), format="yuv420p")
    frame.pts = 0
    frame.time_base = fractions.Fraction(1, 90_000)
    return frame


def test_no_card_is_no_reading() -> None:
    rng = np.random.default_rng(1)
    assert test_card.read(rng.integers(0, 255, (180, 320)).astype(np.uint8)) is None
    assert test_card.read(np.zeros((8, 8), np.uint8)) is None


def test_colours_differ() -> None:
    colours = {tuple(test_card.TestCard(n).render(0)[::269, 3]) for n in range(1, 13)}
    assert len(colours) == 12
