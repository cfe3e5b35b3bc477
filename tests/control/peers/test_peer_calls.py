"""What is done about a bridge that calls: told once, tried again in growing pauses."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference.model import SCHEDULER
from bridge.control.draft import Done
from bridge.control.peers.rules.peer_calls import AGAIN, AGAIN_MAX, KEPT, PeerCalls
from tests.control.peers.two import MEETING, Two
from tests.waiting import HANG, eventually


def test_tries_are_two_seconds_apart_at_first_and_a_minute_at_most() -> None:
    calls = PeerCalls()
    assert calls.called("tinh", "x")
    assert not calls.called("tinh", "x")
    now, pauses = 100.0, []
    assert calls.due("tinh", "x", now)
    assert not calls.due("tinh", "x", now + 1000), "one try at a time"
    for turn in range(8):
        assert calls.refused("tinh", "x", now) == (turn == 0)
        pause = 0.0
        while not calls.due("tinh", "x", now + pause):
            pause += 1.0
        now += pause
        pauses.append(pause)
    assert pauses[0] == AGAIN
    assert pauses[-1] == AGAIN_MAX
    assert pauses == sorted(pauses)


def test_a_conference_that_was_here_is_the_end_of_all_calls_of_that_peer_and_of_no_other() -> None:
    calls = PeerCalls()
    for peer, conference in (("tinh", "x"), ("tinh", "y"), ("huyen", "x")):
        calls.called(peer, conference)
    calls.due("tinh", "x", 0.0)
    calls.met("tinh")
    calls.refused("tinh", "x", 0.0)
    assert not calls.due("tinh", "x", 1e6)
    assert not calls.due("tinh", "y", 1e6)
    assert calls.due("huyen", "x", 0.0)
    assert calls.called("tinh", "z")
    assert calls.due("tinh", "z", 0.0), "a call for another conference is another call"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200)), max_size=300))
def test_few_calls_are_kept_whatever_a_peer_says(said: list[tuple[str, int]]) -> None:
    calls = PeerCalls()
    for peer, conference in said:
        calls.called(peer, str(conference))
        assert len(calls._calls) <= KEPT
        assert calls.due(peer, str(conference), 0.0) in (True, False)
        calls.refused(peer, "never said", 0.0)


async def test_who_has_no_meeting_is_called_once_and_opens_one(tmp_path: Path) -> None:
    async with Two(tmp_path, opens=MEETING) as two:
        two.connect()
        above = await two.above.bridge.open(MEETING)
        await two.carry(2)
        await eventually(two.below.bridge.conductor.running)
        await two.carry(10)
        (below,) = two.below.bridge.conductor.running()
        assert below.booking.template == MEETING
        assert below.seats["tinh"].present
        assert two.above.bridge.state(above).seats["lac-thuy"].present


async def test_a_meeting_that_could_not_be_opened_at_once_is_opened_later_and_once(
    tmp_path: Path,
) -> None:
    async with Two(tmp_path, opens=MEETING) as two:
        below, links = two.below.bridge, two.below.bridge.process.bridges.links
        told: list[str] = []
        below.control.publisher.notice = lambda key, **_: told.append(key)  # type: ignore[method-assign]
        (meeting,) = below.control.topology.current.templates
        without = [point for point in meeting.points if point != "tinh"]
        other = await below.process.scheduler.open(
            meeting.model_copy(update={"id": "khac", "points": without}), SCHEDULER
        )
        assert isinstance(other, Done)
        two.connect()
        above = await two.above.bridge.open(MEETING)
        await two.carry(8)
        await asyncio.gather(*links._background)
        assert list(below.conductor.running()) == [two.below.bridge.state(other.conference)]
        assert told == ["notice.peer_calls", "notice.not_opened"]
        await below.do(other.conference, c.End())
        async with asyncio.timeout(HANG):
            while not below.conductor.running():
                await two.carry()
        await two.carry(10)
        (opened,) = below.conductor.running()
        assert opened.booking.template == MEETING
        assert two.above.bridge.state(above).seats["lac-thuy"].present
        await below.do(opened.booking.id, c.End())
        await two.carry(400)  # 200 s
        assert not below.conductor.running(), "who ends it here is not overruled"
        assert told.count("notice.not_opened") == 1
