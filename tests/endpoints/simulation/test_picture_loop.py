"""A picture that was encoded once: any picture of the loop may follow any other."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.simulation.picture_loop import PICTURES, SECONDS, PictureLoop, phase_ms
from endpoints.webrtc import test_card
from endpoints.webrtc.reading import luma_of
from endpoints.webrtc.test_card import Plane

WIDTH, HEIGHT = 480, 270


@pytest.fixture(scope="module")
def loop() -> PictureLoop:
    loop = PictureLoop(MeetingRoom(8, "Xã Khoan Dụ", width=WIDTH, height=HEIGHT), 9, 5)
    loop.fill()
    return loop


def decoded(frames: list[bytes]) -> list[Plane]:
    codec = av.CodecContext.create("vp8", "r")
    assert isinstance(codec, VideoCodecContext)
    return [luma_of(f).copy() for frame in frames for f in codec.decode(av.Packet(frame))]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, PICTURES - 1), min_size=1, max_size=8))
def test_every_order_gives_the_same_pictures(loop: PictureLoop, order: list[int]) -> None:
    pictures = decoded([loop.key, *(loop.pictures[i] for i in order)])
    for index, picture in zip(order, pictures[1:], strict=True):
        alone = decoded([loop.key, loop.pictures[index]])[-1]
        assert np.array_equal(picture, alone)
        reading = test_card.read(picture)
        assert reading is not None
        assert reading.number == 8
        assert reading.loop_ms == SECONDS * 1000
        assert reading.age(123 * SECONDS * 1000 + phase_ms(index) + 40) == 40


def test_the_key_picture_has_no_time(loop: PictureLoop) -> None:
    reading = test_card.read(decoded([loop.key])[0])
    assert reading is not None
    assert (reading.number, reading.loop_ms, reading.age(5)) == (8, 0, None)


def test_the_clock_on_the_wall_moves_and_the_loop_stays() -> None:
    loop = PictureLoop(MeetingRoom(3, "Chi Nê", width=WIDTH, height=HEIGHT), 9, 5)
    loop.fill()
    before, pictures = loop.key, list(loop.pictures)
    assert not loop.show(9, 5)
    assert loop.show(9, 35)
    assert loop.key != before
    assert loop.pictures == pictures
    shown = decoded([loop.key, loop.pictures[4]])[-1]
    assert test_card.read(shown) is not None
    was = decoded([before, loop.pictures[4]])[-1]
    dial = (slice(round(0.26 * HEIGHT), round(0.42 * HEIGHT)), slice(round(0.85 * WIDTH), -30))
    assert not np.array_equal(shown[dial], was[dial])


def test_a_room_of_every_size_can_be_read() -> None:
    for width, height in ((320, 180), (480, 270), (640, 360)):
        room = MeetingRoom(12, "Yên Bồng", width=width, height=height)
        picture = room.render(700, 987_654, 23, 59)
        assert test_card.read(picture[:height]) == (12, 987_654)
        assert not np.array_equal(picture, room.render(900, 987_654, 23, 59)), "the pendulum"
