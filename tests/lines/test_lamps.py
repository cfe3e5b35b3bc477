"""The three lamps of a point: level, sentence and steps."""

from __future__ import annotations

from bridge.agents.protocol import Device, Report
from bridge.conference.model import Seat
from bridge.control.line_quality import LineQuality
from bridge.control.views import Arriving, seat_view
from bridge.lines.lamps import lamps
from bridge.signalling.protocol import Playback, RoomStatus, SeatView, Voice


def test_lamps_say_the_direction_and_the_steps() -> None:
    room = RoomStatus(camera=True, microphone=True)
    every = Report(
        devices=tuple(Device(kind=k, name="x") for k in ("camera", "microphone", "speaker"))
    )
    line = LineQuality(
        up="good", down="poor", up_loss=0, down_loss=0.05, rtt_ms=1, at=0, reach="yes"
    )
    picture, sound, lamp = lamps("in_session", room, line, every)
    assert (picture.level, sound.level, lamp.level) == ("good", "good", "warn")
    assert "down" in lamp.sentence.en
    assert "5.0" in lamp.sentence.vi
    assert len(lamp.steps) == 4
    gone = LineQuality(up="bad", down="bad", up_loss=1, down_loss=1, rtt_ms=0, at=0, reach="no")
    assert lamps("lost", None, gone, None)[2].level == "bad"
    router = LineQuality(
        up="bad", down="bad", up_loss=1, down_loss=1, rtt_ms=0, at=0, reach="no", router="yes"
    )
    assert lamps("offline", None, router, None)[2].level == "warn"
    silent = Report(devices=(Device(kind="camera", name="x"), Device(kind="microphone", name="y")))
    assert lamps("ready", room, line, silent)[1].level == "bad"  # nobody would hear anything
    frozen = LineQuality(
        up="good",
        down="good",
        up_loss=0,
        down_loss=0,
        rtt_ms=1,
        at=0,
        reach="yes",
        playback=Playback(frozen=0.3, concealed=0.2),
    )
    assert [lamp.level for lamp in lamps("in_session", room, frozen, every)] == [
        "warn",
        "warn",
        "good",
    ]


def test_each_device_has_its_own_fault_in_words() -> None:
    """What the page says of a device, then what the bridge misses of it."""

    def seat(voice: Voice = "live", *, picture: bool = True) -> SeatView:
        return seat_view(Seat(present=True, microphone=True), Arriving(voice, picture))

    room = RoomStatus(camera=False, microphone=True, camera_fault="denied", sending=True)
    picture, sound, _ = lamps("in_session", room, None, None, seat())
    assert (picture.level, sound.level) == ("bad", "good")
    assert "may not use the camera" in picture.sentence.en
    assert "cable" not in picture.sentence.en
    fine = RoomStatus(camera=True, microphone=True, sending=True)
    assert [lamp.level for lamp in lamps("in_session", fine, None, None, seat())][:2] == [
        "good"
    ] * 2
    silent = lamps("in_session", fine, None, None, seat("silent"))[1]
    assert "silence" in silent.sentence.en
    unheard = lamps("in_session", fine, None, None, seat("none", picture=False))
    assert [lamp.level for lamp in unheard[:2]] == ["bad", "bad"]
    assert "does not arrive" in unheard[0].sentence.en
    waits = RoomStatus(camera=True, microphone=True)
    assert lamps("in_session", waits, None, None, seat("none"))[1].level == "good"
