"""A province and a district: media between them, what each is for the other, and what ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.model import Actor, Refusal, State
from bridge.conference.plan import plan
from bridge.conference.report import report
from bridge.control.peers.rules.peer_wire import (
    BadPeerMessage,
    Offer,
    Stands,
    ToldMember,
    decode,
    encode,
)
from bridge.media import messages as m
from tests.control.peers.two import A, Side, Two
from tests.control_support import INVENTORY, LAN


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path) as made:
        yield made


def of(side: Side, conference: str) -> State:
    return side.bridge.state(conference)


async def test_the_two_meet_with_one_transport_at_either_side(two: Two) -> None:
    above, below = await two.meet()
    assert of(two.above, above).seats["lac-thuy"].present
    assert of(two.below, below).seats["tinh"].present
    (up,), (down,) = two.above.ends(), two.below.ends()
    assert up.transport == down.transport
    assert (up.keys.inbound, up.keys.outbound) == (down.keys.outbound, down.keys.inbound)
    assert up.keys.inbound != up.keys.outbound
    for one, other in ((up, down), (down, up)):  # what one sends the other takes, stream by stream
        sent = {(s.ssrc, s.rtx_ssrc) for s in one.slots}
        taken = {(s.ssrcs[0].ssrc, s.ssrcs[0].rtx_ssrc) for s in other.sources}
        assert sent == taken
        assert [s.name for s in one.slots if s.kind == "video"] == ["programme", "content"]
        assert len([s for s in one.slots if s.kind == "audio"]) == 3, "voices, never twelve"


async def test_the_province_is_on_air_and_every_voice_of_it_is_heard(two: Two) -> None:
    _, below = await two.meet()
    link = two.below.link.session.transport
    last = [s for s in two.below.bridge.sent if isinstance(s, m.SetAudio) and s.group == below][-1]
    names = [ref.name for ref in last.allowed if ref.transport == link]
    assert names[:3] == ["microphone", "microphone:1", "microphone:2"]
    assert len(names) == 8, "as many as a bridge may send; those that there are not say nothing"
    assert of(two.below, below).on_air == "tinh"


async def test_the_operator_chooses_what_goes_up(two: Two) -> None:
    _, below = await two.meet()
    routes = two.below.bridge.control.routes
    await two.below.bridge.do(below, p.SendPicture(point="tinh", shows="an-binh"))
    feed = plan(of(two.below, below)).programme["tinh"]
    assert feed is not None
    assert feed.point == "an-binh"
    await two.below.bridge.do(below, p.SendPicture(point="tinh"))
    feed = plan(of(two.below, below)).programme["tinh"]
    assert feed is not None
    assert feed.point == "chi-ne", "the province is on air: it gets the return picture"
    for wrong in ("tinh", "nowhere"):
        refused = await two.below.bridge.conductor.submit(
            below, p.SendPicture(point="tinh", shows=wrong), LAN
        )
        assert isinstance(refused, Refusal)
    refused = await two.below.bridge.conductor.submit(below, p.SendPicture(point="chi-ne"), LAN)
    assert isinstance(refused, Refusal)
    assert refused.key == "refusal.no_bridge"
    assert routes.ready


async def test_a_request_for_the_floor_goes_up_and_the_answer_comes_down(two: Two) -> None:
    above, below = await two.meet()
    await two.below.bridge.do(below, p.AskThere(point="tinh", of="an-binh"))
    await two.carry(3)
    assert [r.point for r in of(two.above, above).queue] == ["lac-thuy"]
    assert of(two.above, above).peers["lac-thuy"].asking == "Xã An Bình"
    assert of(two.below, below).peers["tinh"].floor == "queued"
    await two.above.bridge.do(above, c.Grant())
    await two.carry(3)
    seat = of(two.below, below).peers["tinh"]
    assert (seat.floor, seat.asked) == ("given", None)
    assert of(two.above, above).floor is not None, "being answered withdraws nothing"
    await two.above.bridge.do(above, c.Return())
    await two.carry(3)
    assert of(two.below, below).peers["tinh"].floor == "none"


async def test_a_request_goes_down_and_is_taken_back(two: Two) -> None:
    above, below = await two.meet()
    await two.above.bridge.do(above, p.AskThere(point="lac-thuy"))
    await two.carry(3)
    assert [r.point for r in of(two.below, below).queue] == ["tinh"]
    await two.above.bridge.do(above, p.TakeBack(point="lac-thuy"))
    await two.carry(3)
    assert of(two.below, below).queue == ()
    assert of(two.above, above).peers["lac-thuy"].floor == "none"


async def test_what_the_operator_there_removes_from_the_queue_is_over_here(two: Two) -> None:
    above, below = await two.meet()
    await two.below.bridge.do(below, p.AskThere(point="tinh"))
    await two.carry(3)
    await two.above.bridge.do(above, c.WithdrawFloor(point="lac-thuy"))
    await two.carry(3)
    assert of(two.below, below).peers["tinh"].asked is None
    assert of(two.above, above).queue == ()


async def test_requests_that_flood_are_counted_and_reach_nobody(two: Two) -> None:
    above, below = await two.meet()
    for _ in range(12):
        await two.below.bridge.do(below, p.AskThere(point="tinh"))
        await two.carry(1)
        await two.below.bridge.do(below, p.TakeBack(point="tinh"))
        await two.carry(1)
    log = await two.above.bridge.process.events.read(above, 0)
    asked = [r for r in log if type(r.event).__name__ == "FloorRequested"]
    assert 1 <= len(asked) <= 6
    assert two.above.bridge.process.bridges.links.counts["lac-thuy"]["requests"] > 3


async def test_attendance_reaches_the_provinces_report(two: Two) -> None:
    above, _ = await two.meet()
    told = [s for s in two.below.wire.said if isinstance(s, Stands)][-1]
    assert {m_.id for m_ in told.members} == {"chi-ne", "an-binh"}
    assert not [s for s in two.above.wire.said if isinstance(s, Stands) and s.members]
    await two.above.bridge.settle()
    log = await two.above.bridge.process.events.read(above, 0)
    rows = {row.member: row for row in report(log, two.above.bridge.wall + 60).members}
    assert set(rows) == {"chi-ne", "an-binh"}
    assert rows["an-binh"].name.vi == "Xã An Bình"
    assert rows["an-binh"].joined_at is None


async def test_a_cut_connection_ends_no_media_and_no_meeting(two: Two) -> None:
    above, below = await two.meet()
    before = len(two.above.ends())
    two.cut()
    await two.carry(4)
    assert of(two.above, above).seats["lac-thuy"].present
    assert of(two.below, below).seats["tinh"].present
    two.connect()
    await two.carry()
    assert len(two.above.ends()) == before, "both hold the same media: nothing is opened anew"


async def test_media_that_vanished_comes_again_under_fresh_keys(two: Two) -> None:
    above, below = await two.meet()
    two.below.lost()
    await two.below.bridge.settle()
    assert not of(two.below, below).seats["tinh"].present
    await two.carry(16)
    assert of(two.below, below).seats["tinh"].present
    assert of(two.above, above).seats["lac-thuy"].present
    keys = [key for end in two.above.ends() for key in (end.keys.inbound, end.keys.outbound)]
    for side in (two.above, two.below):  # nobody seals with a key that it has not drawn
        assert len({end.keys.outbound for end in side.ends()}) == len(side.ends())
    assert len(keys) == len(set(keys)) == 2 * len(two.above.ends()) >= 4


async def test_a_worker_that_dies_is_given_another_end(two: Two) -> None:
    above, below = await two.meet()
    two.below.bridge.control.reconciler.on_worker_down()
    two.below.bridge.control.reconciler.on_event(INVENTORY)
    await two.carry(16)
    assert len(two.below.ends()) >= 2
    assert two.above.ends()[-1].transport == two.below.ends()[-1].transport
    assert of(two.above, above).seats["lac-thuy"].present
    assert of(two.below, below).seats["tinh"].present


@pytest.mark.parametrize("moving", ["above", "below"])
async def test_a_conference_that_goes_to_another_worker_takes_the_other_bridge_along(
    tmp_path: Path, moving: str
) -> None:
    async with Two(tmp_path, workers=2) as two:
        conferences = await two.meet()
        side = two.above if moving == "above" else two.below
        control, (former,) = side.bridge.control, side.ends()
        home = control.routes.holder(former.transport)
        control.routes.empty(home)
        control.presence.settle()
        await two.carry(16)
        newest = side.ends()[-1]
        assert control.routes.holder(side.link.session.transport) not in ("", home)
        assert side.link.session.transport == newest.transport != former.transport
        assert two.above.ends()[-1].transport == two.below.ends()[-1].transport
        closed = {item.transport for item in side.bridge.sent_to[home] if isinstance(item, m.Close)}
        assert former.transport in closed
        assert of(two.above, conferences[0]).seats["lac-thuy"].present
        assert of(two.below, conferences[1]).seats["tinh"].present
        for _ in range(3):  # as it is done every second
            for one in (two.above, two.below):
                one.bridge.control.presence.call()
            await two.carry(1)
        # Make before break: nobody was without the other one, and each end had keys of its own.
        for one, conference in zip((two.above, two.below), conferences, strict=True):
            log = await one.bridge.process.events.read(conference, 0)
            assert "PointLeft" not in {type(r.event).__name__ for r in log}
            assert one.link.session.transports == (newest.transport,), "nothing is left over"
            assert len({end.keys.outbound for end in one.ends()}) == len(one.ends()) == 2
        assert side.bridge.control.moves.cut == 0


async def test_who_does_not_know_media_beside_gets_it_in_place(tmp_path: Path) -> None:
    """An older district: the province moves, with a gap, and both hold the same in the end."""
    async with Two(tmp_path, workers=2) as two:
        above, below = await two.meet()
        former = two.above.link.session.transport
        two.above.bridge.pass_time(3)
        two.above.bridge.control.routes.empty(two.above.bridge.control.routes.holder(former))
        two.above.bridge.control.presence.settle()
        await two.above.settle()
        waiting = two.above.wire.waiting
        at, offer = next((n, o) for n, o in enumerate(map(decode, waiting)) if isinstance(o, Offer))
        assert offer.beside == former
        waiting[at] = encode(replace(offer, beside=""))
        await two.carry(16)
        two.above.bridge.control.presence.call()
        assert two.below.link.session.transports == (offer.link,)
        assert two.above.link.session.transports == (offer.link,)
        assert of(two.above, above).seats["lac-thuy"].present
        assert of(two.below, below).seats["tinh"].present


async def test_media_beside_what_nobody_has_takes_its_place(two: Two) -> None:
    """A peer that names media of its fancy, or the very one that it offers, gets no third end."""
    await two.meet()
    offer = next(s for s in two.above.wire.said if isinstance(s, Offer))
    held = two.below.link.session.transport
    two.below.link.heard(replace(offer, beside=held), two.below.bridge.now)
    assert two.below.link.session.transports == (held,)
    assert two.below.bridge.process.bridges.links.counts["tinh"]["offer"] == 1
    other = replace(offer, link="peer-0000000000000001", beside="peer-0000000000000002")
    two.below.link.heard(other, two.below.bridge.now)
    assert two.below.link.session.transports == (other.link,)


async def test_a_meeting_that_ends_leaves_the_other_going(two: Two) -> None:
    above, below = await two.meet()
    await two.above.bridge.do(above, c.End())
    await two.carry()
    state = of(two.below, below)
    assert state.phase == "live"
    assert not state.seats["tinh"].present
    assert not two.below.link.session.transport


async def test_a_loop_is_refused_with_a_sentence_and_both_meetings_go_on(two: Two) -> None:
    two.connect()
    above, below = await two.open()
    await two.carry(2)
    lying = Stands(conference="x", wants=True, ready=True, passes=("b" * 16, "c" * 16, A))
    two.above.link.heard(lying, two.above.bridge.now)
    await two.above.settle()
    assert two.above.link.problem == "loop"
    assert two.above.bridge.process.bridges.links.counts["lac-thuy"]["loop"] == 1
    told = [s for s in two.above.wire.said if isinstance(s, Stands)][-1]
    assert (told.wants, told.problem) == (False, "loop")
    assert not two.above.link.session.transport
    assert of(two.above, above).phase == of(two.below, below).phase == "live"


async def test_ten_thousand_points_are_no_message_and_five_hundred_are_counted_once(
    two: Two,
) -> None:
    above, _ = await two.meet()
    many = [{"id": f"p{n}", "vi": "x", "en": "x", "present": True} for n in range(501)]
    with pytest.raises(BadPeerMessage):
        decode(msgspec.json.encode({"type": "stands", "members": many}))
    with pytest.raises(BadPeerMessage):
        decode(msgspec.json.encode({"type": "stands", "members": many * 20}))
    told = two.above.link.told
    assert told is not None
    for turn in range(40):
        members = tuple(
            ToldMember(id=f"x{turn}-{n}", vi="x", en="x", present=True) for n in range(400)
        )
        two.above.link.heard(replace(told, members=members), two.above.bridge.now)
        await two.above.settle()
    log = await two.above.bridge.process.events.read(above, 0, 5000)
    noted = [r.event for r in log if type(r.event).__name__ == "MembersNoted"]
    assert len(noted) <= 5
    assert two.above.bridge.process.bridges.links.counts["lac-thuy"]["members"] >= 1
    assert set(of(two.above, above).seats) == {"hoi-truong", "phong-hop", "lac-thuy"}


async def test_offers_that_nobody_asked_for_open_nothing(two: Two) -> None:
    above, below = await two.meet()
    offer = next(s for s in two.above.wire.said if isinstance(s, Offer))
    before = len(two.below.ends()), len(two.above.ends())
    two.above.link.heard(offer, two.above.bridge.now)  # the side below offers nothing
    one = offer.down.ssrcs[0]
    same = replace(offer, down=replace(offer.down, ssrcs=(one,) * len(offer.down.ssrcs)))
    two.below.link.heard(same, two.below.bridge.now)
    assert (len(two.below.ends()), len(two.above.ends())) == before
    assert two.below.bridge.process.bridges.links.counts["tinh"]["offer"] == 1
    assert of(two.above, above).phase == of(two.below, below).phase


async def test_far_too_many_messages_end_the_connection(two: Two) -> None:
    await two.meet()
    told = two.above.link.told
    assert told is not None
    taken = sum(two.above.link.heard(told, two.above.bridge.now) for _ in range(1000))
    assert taken <= 120
    assert decode(encode(told)) == told


async def test_a_screen_that_is_shared_there_is_shared_here_and_never_back(two: Two) -> None:
    above, below = await two.meet()
    await two.above.bridge.do(above, c.Share(), Actor(kind="user", name="lan", role="operator"))
    await two.carry(3)
    assert of(two.below, below).content == "point:tinh"
    told = [s for s in two.below.wire.said if isinstance(s, Stands)][-1]
    assert not told.shares, "it came from there"
    await two.above.bridge.do(above, c.StopShare())
    await two.carry(3)
    assert of(two.below, below).content is None


async def test_a_picture_that_is_shown_in_tiles_only_is_sent_small(two: Two) -> None:
    above, below = await two.meet()

    def limit(side: Side) -> int:
        end = side.ends()[-1].transport
        found = [
            route
            for item in side.bridge.sent
            if isinstance(item, m.SetRoutes)
            for route in item.routes
            if (route.transport, route.slot) == (end, "programme")
        ]
        return found[-1].max_height

    assert limit(two.below) == 0, "the chair on air is sent the only one there is besides"
    await two.above.bridge.do(above, c.ReturnPicture(point="phong-hop"))
    await two.carry(4)
    assert limit(two.below) == 180
    await two.above.bridge.do(above, c.Preview(point="lac-thuy"))
    await two.carry(4)
    assert limit(two.below) == 0
    assert of(two.below, below).phase == "live"


async def test_another_bridge_is_no_room_that_could_be_ready(two: Two) -> None:
    bridge = two.above.bridge
    board = await bridge.process.readiness.sweep(["lac-thuy"], None, "test", full=False)
    assert board.points == ()
    assert not bridge.control.presence.may_take_over("lac-thuy", None)
