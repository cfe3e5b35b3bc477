"""Domain values as messages: nothing is lost, nothing is renamed."""

from __future__ import annotations

import dataclasses

import msgspec

from bridge.conference.model import Title
from bridge.control import views
from bridge.control.line_quality import LineQuality, Mark
from bridge.control.templates import Upcoming
from bridge.signalling import protocol
from bridge.signalling.protocol import Playback

LINE = LineQuality(
    up="fair",
    down="poor",
    up_loss=0.011,
    down_loss=0.052,
    rtt_ms=12.5,
    at=1_795_000_000.0,
    reach="yes",
    up_variation=1.5,
    down_variation=2.5,
    up_mos=4.1,
    down_mos=3.9,
    offset_ms=-7.0,
    uncertainty_ms=3.0,
    marks={"ef": Mark(46, 0, None)},
    source="both",
    agent=True,
    router="no",
    silent=0.4,
    maintenance=True,
    incidents=2,
    watching=("loss_down",),
    playback=Playback(frozen=0.1),
)


def test_every_figure_of_a_line_is_shown_under_its_name() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(views.quality_view(LINE)))
    names = [field.name for field in dataclasses.fields(LINE)]
    assert list(protocol.Quality.__struct_fields__) == names
    assert list(shown) == names
    plain = {name: getattr(LINE, name) for name in names} | {
        "marks": {"ef": {"sent": 46, "down": 0, "up": None}},
        "watching": ["loss_down"],
        "playback": msgspec.to_builtins(LINE.playback),
    }
    assert shown == plain
    default = LineQuality(up="good", down="good", up_loss=0, down_loss=0, rtt_ms=0, at=0)
    given = {
        name: value for name, value in dataclasses.asdict(default).items() if name in names[:6]
    }
    assert views.quality_view(default) == protocol.Quality(**given)


def test_what_is_planned_is_shown() -> None:
    coming = Upcoming("giao-ban", Title(vi="Họp giao ban", en="Briefing"), 10.0, 20.0)
    assert msgspec.to_builtins(views.upcoming_view(coming)) == {
        "template": "giao-ban",
        "title": {"vi": "Họp giao ban", "en": "Briefing"},
        "start": 10.0,
        "end": 20.0,
    }
