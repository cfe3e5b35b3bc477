"""VP8 descriptors and H.264 NAL units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import h264, vp8


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ("10 00 9d012a", True),  # no extension, P bit 0
        ("10 01", False),  # inter frame
        ("00 00", False),  # not the start of a partition
        ("11 00", False),  # second partition
        ("90 80 05 00", True),  # 7-bit PictureID
        ("90 80 81 02 00", True),  # 15-bit PictureID
        ("90 e0 81 02 07 40 00", True),  # PictureID, TL0PICIDX, TID
        ("90 e0 81 02 07 40 01", False),
        ("90 f0 81 02 07 45 00", True),
        ("90 80 81 02", False),  # ends with the descriptor
        ("90", False),
        ("", False),
    ],
)
def test_vp8_key_frames(payload: str, key: bool) -> None:
    assert vp8.is_key_frame_start(bytes.fromhex(payload)) is key


@pytest.mark.parametrize(
    ("payload", "height"),
    [
        ("10 5002 00 9d012a 8002 6801", 360),  # 640 by 360
        ("90 e0 81 02 07 40 5002 00 9d012a 4001 b480", 180),  # to be shown twice as high
        ("10 5002 00 9d012a 8002 68", 0),  # ends too soon
        ("10 5002 00 9d012b 8002 6801", 0),
        ("90", 0),
    ],
)
def test_vp8_a_key_frame_tells_its_lines(payload: str, height: int) -> None:
    assert vp8.height(bytes.fromhex(payload)) == height


def test_vp8_numbers_go_on_across_a_switch() -> None:
    last = vp8.numbers(bytes.fromhex("90e0ffff ff 40 01"))
    new = bytes.fromhex("90e08005 20 40 00")
    change = vp8.continue_from(last, vp8.numbers(new))
    assert change is not None
    munged = vp8.munge(new, change)
    assert vp8.numbers(munged) == vp8.Numbers(0, 0, True)  # 32767 + 1 and 255 + 1 wrap
    assert munged[5:] == new[5:]
    assert len(munged) == len(new)


def test_vp8_nothing_to_change() -> None:
    assert vp8.continue_from(vp8.Numbers(6, -1, True), vp8.Numbers(7, -1, True)) is None
    assert vp8.continue_from(vp8.Numbers(-1, -1, False), vp8.Numbers(7, 3, True)) is None


@given(st.binary(max_size=12), st.integers(0, 0x7FFF), st.integers(0, 255))
def test_vp8_never_fails_and_keeps_the_length(payload: bytes, picture: int, tl0: int) -> None:
    vp8.is_key_frame_start(payload)
    vp8.numbers(payload)
    assert not payload or vp8.height(payload) < 1 << 14
    munged = vp8.munge(payload, vp8.Munge(picture, tl0))
    assert len(munged) == len(payload)
    assert vp8.munge(munged, vp8.Munge(-picture & 0x7FFF, -tl0 & 0xFF)) == payload


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ("67 42e01f", True),  # SPS
        ("65 88", False),  # IDR slice without parameter sets
        ("78 0004 67424242 0002 68ce 0001 65", True),  # STAP-A: SPS, PPS, IDR
        ("78 0002 68ce 0004 67424242", True),
        ("78 0002 68ce", False),
        ("7c 87", True),  # FU-A, start of an SPS
        ("7c 07", False),
        ("7c 85", False),
        ("78 ffff 67", True),
        ("78", False),
        ("", False),
    ],
)
def test_h264_key_frames(payload: str, key: bool) -> None:
    assert h264.is_key_frame_start(bytes.fromhex(payload)) is key


@given(st.binary(max_size=40))
def test_h264_never_fails(payload: bytes) -> None:
    h264.is_key_frame_start(b"\x78" + payload)
    h264.is_key_frame_start(payload)
