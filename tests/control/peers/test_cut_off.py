"""What a bridge that is gone, or did not fit, leaves behind: nothing of what it told, and media
with no conference that it may not be in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.peer_events import MembersNoted
from bridge.conference.report import report
from bridge.control.peers.peer_link import TRY_AGAIN
from bridge.control.peers.rules.hop_paths import passes
from bridge.control.peers.rules.peer_wire import ToldMember
from bridge.media import messages as m
from config.schema import Name
from tests.control.peers.two import MEETING, Side, Two, Wire

OTHER = "hop-khac"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path) as made:
        yield made


async def noted(side: Side, conference: str) -> list[MembersNoted]:
    await side.bridge.settle()
    log = await side.bridge.process.events.read(conference, 0)
    return [record.event for record in log if isinstance(record.event, MembersNoted)]


async def told_members(two: Two, *names: str) -> None:
    """The district says who is there."""
    told = two.above.link.told
    assert told is not None
    members = tuple(ToldMember(id=name, vi=name, en=name, present=True) for name in names)
    two.above.link.heard(replace(told, members=members), two.above.bridge.now)
    await two.above.settle()


async def test_what_was_told_before_the_cut_counts_in_no_other_conference(two: Two) -> None:
    above, _ = await two.meet()
    await told_members(two, "chi-ne", "an-binh")
    assert len(await noted(two.above, above)) >= 1
    before = len(await noted(two.above, above))
    two.cut()
    await two.carry(2)
    assert len(await noted(two.above, above)) == before, "the running one keeps what it noted"
    await two.above.bridge.do(above, c.End())
    two.above.bridge.pass_time(60)
    after = await two.above.bridge.open(MEETING)
    for _ in range(3):
        await two.above.settle()
    assert await noted(two.above, after) == []
    log = await two.above.bridge.process.events.read(after, 0)
    assert report(log, two.above.bridge.wall).members == ()
    two.connect()
    await two.above.settle()
    assert await noted(two.above, after) == [], "not on the next connection either"
    await two.carry()
    (first, *_) = await noted(two.above, after)
    assert {member.id for member in first.members} == {"chi-ne", "an-binh"}


async def test_whoever_is_gone_with_its_media_is_absent_until_it_is_heard_again(two: Two) -> None:
    above, below = await two.meet()
    await told_members(two, "chi-ne", "an-binh")
    two.cut()
    two.above.lost()
    await two.above.settle()
    assert not two.above.bridge.state(above).seats["lac-thuy"].present
    left = two.above.bridge.wall
    two.above.bridge.pass_time(60)
    log = await two.above.bridge.process.events.read(above, 0)
    rows = report(log, two.above.bridge.wall).members
    assert [row.left_at for row in rows] == [left, left]
    await two.below.bridge.do(below, c.End())
    two.connect()
    await two.carry(2)
    (*_, last) = await noted(two.above, above)
    assert (set(last.gone), last.total) == ({"chi-ne", "an-binh"}, 0)


async def test_a_request_in_the_conference_before_is_none_in_the_next(two: Two) -> None:
    above, below = await two.meet()
    await two.below.bridge.do(below, p.AskThere(point="tinh"))
    await two.carry(3)
    assert [r.point for r in two.above.bridge.state(above).queue] == ["lac-thuy"]
    two.cut()
    await two.above.bridge.do(above, c.End())
    await two.above.settle()
    two.above.bridge.pass_time(60)
    after = await two.above.bridge.open(MEETING)
    for _ in range(3):
        await two.above.settle()
    assert two.above.bridge.state(after).queue == ()
    two.connect()
    await two.carry(3)
    assert two.above.bridge.state(after).queue == ()
    assert two.below.bridge.state(below).peers["tinh"].asked is None, "it was over with that one"


async def test_only_the_newest_connection_is_heard(two: Two) -> None:
    await two.meet()
    former, newest = two.above.wire, Wire()
    assert two.above.link.attached(former)
    two.above.link.attach(newest)
    assert former.refusals == ["newer"]
    assert not two.above.link.attached(former)
    two.above.link.detach(former, two.above.bridge.now)
    assert two.above.link.connected


async def test_media_that_goes_on_passes_through_whom_it_did(two: Two) -> None:
    """Whoever looks for loops is told of them while the connection is away, and no longer."""
    await two.meet()
    link, state = two.above.link, two.above.link.state
    assert link.beyond(state) == ("b" * 16,)
    two.cut()
    await two.above.settle()
    assert link.told is None
    assert link.beyond(link.state) == ("b" * 16,)
    two.above.lost()
    await two.above.settle()
    assert link.beyond(link.state) == ()
    assert passes("a" * 16, [link.beyond(link.state)]) == ("a" * 16,)


# --- media that did not come about -------------------------------------------------------------


def codec(side: Side, name: str) -> None:
    """A reload of the topology with another codec."""
    topology = side.bridge.control.topology.current
    media = topology.media.model_copy(update={"codec": name})
    side.bridge.control.topology.swap(topology.model_copy(update={"media": media}))


async def differ(two: Two) -> tuple[str, str]:
    codec(two.above, "h264")
    found = await two.meet()
    assert two.below.link.problem == "codec"
    assert not two.below.link.session.transport
    return found


@pytest.mark.parametrize("how", ["connection", "reload", "time"])
async def test_another_codec_that_was_mended_is_tried_again(two: Two, how: str) -> None:
    above, below = await differ(two)
    if how == "reload":  # here: the other one stays as it is
        codec(two.below, "h264")
    else:
        codec(two.above, "vp8")
    if how == "connection":
        two.cut()
        two.connect()
    elif how == "time":
        await two.carry(2)
        assert two.below.link.problem == "codec"
        two.below.bridge.pass_time(TRY_AGAIN)
    await two.carry(10)
    assert two.below.link.problem == ""
    assert two.below.bridge.state(below).seats["tinh"].present
    assert two.above.bridge.state(above).seats["lac-thuy"].present


async def test_one_that_stays_is_said_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    publisher = two.below.bridge.control.publisher
    monkeypatch.setattr(publisher, "notice", lambda key, **_: said.append(key))
    await differ(two)
    two.below.bridge.pass_time(TRY_AGAIN)
    await two.carry(10)
    assert two.below.bridge.process.bridges.links.counts["tinh"]["codec"] >= 2
    assert two.below.link.problem == "codec"
    assert said.count("notice.peer_codec") == 1


# --- conferences that it may not be in ---------------------------------------------------------


@pytest.mark.parametrize("cut", [True, False])
async def test_a_conference_that_it_may_not_be_in_gets_none_of_its_media(
    tmp_path: Path, cut: bool
) -> None:
    """The media is up from the one before, which has just ended."""
    async with Two(tmp_path) as two:
        bridge = two.above.bridge
        topology = bridge.control.topology.current
        meeting = topology.templates[0]
        peer = topology.peers[0].model_copy(update={"templates": [MEETING]})
        other = meeting.model_copy(update={"id": OTHER, "title": Name(vi="Họp khác")})
        changed = {"peers": [peer], "templates": [meeting, other]}
        bridge.control.topology.swap(topology.model_copy(update=changed))
        bridge.process.bridges.links.restore()
        above, _ = await two.meet()
        end = two.above.link.session.transport
        assert bridge.state(above).seats["lac-thuy"].present
        if cut:
            two.cut()
        await bridge.do(above, c.End())
        bridge.pass_time(60)
        began = len(bridge.sent)
        after = await bridge.open(OTHER)
        await bridge.settle()
        assert not bridge.state(after).seats["lac-thuy"].present
        assert m.Close(transport=end) in bridge.sent[began:]
        log = await bridge.process.events.read(after, 0)
        assert "PointJoined" not in {type(record.event).__name__ for record in log}
        shown = [
            route
            for item in bridge.sent[began:]
            if isinstance(item, m.SetRoutes)
            for route in item.routes
            if route.transport == end or (route.source and route.source.transport == end)
        ]
        assert [route for route in shown if route.source is not None] == []
        mixes = [i for i in bridge.sent[began:] if isinstance(i, m.SetAudio) and i.group == after]
        assert not any(end in mix.members for mix in mixes)
