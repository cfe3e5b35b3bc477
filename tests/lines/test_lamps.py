"""The three lamps of a point: level, sentence and steps."""

from __future__ import annotations

from bridge.agents.protocol import Device, Report
from bridge.control.line_quality import LineQuality
from bridge.lines.lamps import lamps
from bridge.signalling.protocol import Playback, RoomStatus


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
