"""A topology of 500 points: what a page negotiates, what is planned, and what that takes."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter

import pytest

from bridge.conference import events as e
from bridge.conference.apply import apply
from bridge.conference.model import Booking, State, Title
from bridge.control.placing.active_workers import FIRST, ActiveWorkers
from bridge.control.sessions import Session, Sessions
from bridge.control.slots import slots_of
from bridge.media import messages as m
from bridge.signalling import sdp
from config.loader import load
from config.schema import MAX_POINTS, Name, Point, Topology
from tests.control_support import CHROMIUM, INVENTORY
from tests.paths import ROOT

SMALL = load(ROOT / "config" / "lac-thuy.yaml")
IDS = tuple(f"xa-{number}" for number in range(MAX_POINTS))


@pytest.fixture(scope="module")
def province() -> Topology:
    points = [Point(id=i, name=Name(vi=i), tier="commune", link="huyen") for i in IDS]
    return SMALL.model_copy(update={"points": points})


def session(ident: str, kind: str, point: str | None) -> Session:
    return Session("", ident, kind, point, "operator", 0.0, transport=f"t-{ident}")


def conference() -> State:
    booking = Booking(id="hop", title=Title(vi="Họp", en="Meeting"), points=IDS, chair=IDS[0])
    happened: tuple[e.Event, ...] = (
        e.Opened(booking=booking),
        *(e.PointJoined(point=p) for p in IDS),
        e.Started(),
    )
    state: State | None = None
    for seq, event in enumerate(happened, 1):
        line = e.Recorded(conference="hop", seq=seq, at=1.0, actor="x", reason="x", event=event)
        state = apply(state, line)
    assert state is not None
    return state


def offer_of(lines: int) -> str:
    """A Chromium's offer with so many receiving video lines, with the codecs that a page offers."""
    head, *sections = re.split(r"(?=^m=)", CHROMIUM, flags=re.MULTILINE)
    kept = [s for s in sections if not (s.startswith("m=video") and "a=recvonly" in s)]
    model = _usual(next(s for s in sections if s.startswith("m=video") and "a=recvonly" in s))
    more = [re.sub(r"a=mid:\S+", f"a=mid:{100 + n}", model) for n in range(lines)]
    body = "".join([*kept, *more])
    mids = " ".join(re.findall(r"^a=mid:(\S+)", body, flags=re.MULTILINE))
    return re.sub(r"a=group:BUNDLE [^\r]*", f"a=group:BUNDLE {mids}", head) + body


def _usual(section: str) -> str:
    """A media section without codecs other than VP8, H.264 and their retransmissions."""
    kept = set(re.findall(r"^a=rtpmap:(\d+) (?:VP8|H264)/", section, flags=re.MULTILINE))
    kept |= {
        rtx
        for rtx, of in re.findall(r"^a=fmtp:(\d+) apt=(\d+)", section, flags=re.MULTILINE)
        if of in kept
    }
    lines = section.splitlines(keepends=True)
    codec = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+)")
    return "".join(x for x in lines if not (found := codec.match(x)) or found[1] in kept)


@pytest.mark.parametrize(
    ("kind", "point", "thumbnails"), [("point", IDS[7], 24), ("console", None, 48)]
)
def test_what_is_negotiated_does_not_grow_with_the_points(
    province: Topology, kind: str, point: str | None, thumbnails: int
) -> None:
    slots = slots_of(session("x", kind, point), province)
    assert sum(name.startswith("thumb:") for name in slots.video) == thumbnails
    offer = offer_of(len(slots.video))
    assert len(offer) < sdp.MAX_SDP
    assert len(sdp.parse(offer, max_media=len(slots.video) + 16).media) > len(slots.video)


def test_every_room_gets_its_thumbnails_and_is_told_differences_only(province: Topology) -> None:
    sessions, sent = Sessions(), list[m.Command]()
    workers = ActiveWorkers(sessions, lambda _, command: sent.append(command))
    routes = workers.by_name[FIRST]
    routes.take_inventory(INVENTORY)
    for ident in IDS:
        room = session(ident, "point", ident)
        sessions.add(room)
        slots = tuple(
            m.SlotState(name=name, kind="video", wanted=None, shown=None)
            for name in slots_of(room, province).video
        )
        held = m.TransportState(
            transport=room.transport,
            label=ident,
            state="connected",
            profile="",
            sources=(),
            slots=slots,
        )
        routes.adopt(held, ident)
        routes.adopt_pictures(held)
    state = conference()
    tracemalloc.start()
    workers.apply([state])
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    changes = [r for c in sent if isinstance(c, m.SetRoutes) for r in c.routes]
    assert len(changes) == len(IDS) * 26
    filled = Counter(r.transport for r in changes if r.source and r.slot.startswith("thumb:"))
    assert set(filled.values()) == {24}
    # A route of a slot, its names and its key: some 500 octets. 500 rooms that had a slot for
    # every point took twenty times that.
    assert used < len(changes) * 1500
    sent.clear()
    workers.apply([state])
    assert sent == []
    taken = e.Taken(point=IDS[450], previous=IDS[0])
    line = e.Recorded(
        conference="hop", seq=state.seq + 1, at=2.0, actor="x", reason="take", event=taken
    )
    workers.apply([apply(state, line)])
    moved = [r.slot for c in sent if isinstance(c, m.SetRoutes) for r in c.routes]
    assert set(moved) == {"programme"}, "a take moves nobody's thumbnails"
