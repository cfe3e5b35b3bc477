"""A batch of commands, decided on a copy."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Actor, Booking, Refusal, Title
from bridge.control.draft import Done, Draft

LAN = Actor(kind="user", name="lan", role="operator")
NOW = 1_795_000_000.123_456_7


def booking(ident: str = "hop-1", *points: str) -> Booking:
    inside = points or ("a", "b")
    return Booking(
        id=ident,
        title=Title(vi="Họp", en="Meeting"),
        template="hop",
        points=inside,
        chair=inside[0],
    )


def test_later_commands_of_a_batch_see_what_earlier_ones_did() -> None:
    draft = Draft({})
    opened = draft.decide("hop-1", booking(), LAN, NOW)
    started = draft.decide("hop-1", c.Start(), LAN, NOW)
    assert isinstance(opened, Done)
    assert isinstance(started, Done)
    assert [type(item.event) for item in opened.events] == [e.Opened]
    assert started.seq == len(draft.recorded)
    assert [item.seq for item in draft.recorded] == list(range(1, started.seq + 1))
    assert [*opened.events, *started.events] == draft.recorded
    assert {item.at for item in draft.recorded} == {round(NOW, 6)}
    assert {item.actor for item in draft.recorded} == {LAN.label}
    assert draft.states["hop-1"].phase == "live"


def test_what_it_began_with_is_not_changed() -> None:
    first = Draft({})
    first.decide("hop-1", booking(), LAN, NOW)
    states = dict(first.states)
    second = Draft(states)
    second.decide("hop-1", c.Start(), LAN, NOW)
    assert (states["hop-1"].phase, second.states["hop-1"].phase) == ("open", "live")


def test_a_refusal_changes_nothing() -> None:
    draft = Draft({})
    draft.decide("hop-1", booking(), LAN, NOW)
    states, recorded = dict(draft.states), list(draft.recorded)
    refused = [
        draft.decide("nowhere", c.Start(), LAN, NOW),
        draft.decide("hop-1", booking(), LAN, NOW),
        draft.decide("hop-2", booking("hop-2", "b", "c"), LAN, NOW),
        draft.decide("hop-1", c.Take(point="nobody"), LAN, NOW),
    ]
    keys = [result.key for result in refused if isinstance(result, Refusal)]
    assert keys[:3] == ["refusal.unknown_conference", "refusal.id_taken", "refusal.point_busy"]
    assert len(keys) == 4
    assert (draft.states, draft.recorded) == (states, recorded)


def test_a_nudge_is_no_command() -> None:
    assert Draft({}).decide("", c.Tick(), LAN, NOW) == Done("", 0, ())
