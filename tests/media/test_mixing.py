"""Sound: the floor first, then the loudest; levels for the pages."""

from __future__ import annotations

import itertools

from bridge.media import messages as m
from bridge.media.inventory import inventory
from tests.media.support import Bench, audio, audio_slot, microphone


def test_audio_slots_hold_the_floor_then_the_loudest() -> None:
    b = Bench()
    names = ("a", "b", "c", "d")
    for number, name in enumerate(names):
        slots = (audio_slot("audio:0", 7000), audio_slot("audio:1", 7001))
        b.join(name, (microphone(ssrc=2000 + number),), slots)
    refs = {n: m.SourceRef(transport=n, name="microphone") for n in names}
    b.core.command(
        m.SetAudio(
            group="g", members=names, allowed=(refs["a"], refs["b"], refs["c"]), floor=(refs["c"],)
        ),
        b.now,
    )
    levels = {"a": 20, "b": 50, "c": 90, "d": 0}
    for number in range(100):
        for index, name in enumerate(names):
            b.send(b.peers[name], audio(number, ssrc=2000 + index, level=levels[name]))
        b.run(0.02)

    def heard(name: str) -> set[str]:
        slots = inventory(b.core, (), b.now).transports[names.index(name)].slots
        return {s.shown.transport for s in slots if s.shown is not None}

    assert heard("d") == {"c", "a"}, "the floor although it is silent, then the loudest"
    assert heard("a") == {"c", "b"}, "nobody hears himself"
    assert heard("c") == {"a", "b"}
    before = len(b.peers["d"].received)
    b.core.command(m.SetAudio(group="g", members=names, allowed=(refs["b"],)), b.now)
    for number in range(100, 110):
        for index, name in enumerate(names):
            b.send(b.peers[name], audio(number, ssrc=2000 + index, level=levels[name]))
        b.run(0.02)
    assert heard("d") == {"b"}, "who may no longer speak is cut off"
    assert len(b.peers["d"].received) - before <= 12
    reported = [e for e in b.events if isinstance(e, m.Levels)][-1].levels
    assert reported["d"] < 5 < reported["a"]


def test_who_comes_later_hears_what_the_others_hear() -> None:
    """Receivers are filled when others speak, or others are there; not ten times a second."""
    b = Bench()
    a = b.join("a", (microphone(ssrc=2000),))
    ref = m.SourceRef(transport="a", name="microphone")
    b.core.command(m.SetAudio(group="g", members=("a", "r", "s"), allowed=(ref,)), b.now)
    b.join("r", (), (audio_slot("audio:0", 7000),))

    numbers = itertools.count(1)

    def hears(name: str) -> bool:
        before = len(b.peers[name].received)
        for number in itertools.islice(numbers, 15):
            b.send(a, audio(number, level=20))
            b.run(0.02)
        return len(b.peers[name].received) > before

    assert hears("r")
    b.join("s", (), (audio_slot("audio:0", 8000), audio_slot("audio:1", 8001)))
    assert hears("s")
    b.core.command(m.Close(transport="s"), b.now)
    b.join("s", (), (audio_slot("audio:0", 9000),))
    assert hears("s"), "another one of the same name"
    assert hears("r")


def test_levels_are_repeated_so_that_pages_see_life() -> None:
    b = Bench()
    b.run(3.0)
    levels = [e for e in b.events if isinstance(e, m.Levels)]
    assert 3 <= len(levels) <= 4
