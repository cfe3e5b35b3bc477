"""Points of other bridges in the report of a conference: who came, and for how long."""

from __future__ import annotations

from bridge.conference import events as e
from bridge.conference import peer_events as p
from bridge.conference.model import Booking, Title
from bridge.conference.other_bridges import Member
from bridge.conference.report import report

BOOKING = Booking(
    id="c",
    title=Title(vi="Họp", en="Meeting"),
    points=("tinh", "lac-thuy"),
    chair="tinh",
    bridges=("lac-thuy",),
)


def recorded(*events: tuple[float, e.Event]) -> list[e.Recorded]:
    return [
        e.Recorded(conference="c", seq=n, at=at, actor="system", reason="x", event=event)
        for n, (at, event) in enumerate(events, 1)
    ]


def noted(*members: tuple[str, bool], gone: tuple[str, ...] = ()) -> p.MembersNoted:
    found = tuple(Member(id=i, vi=i, en=i, present=here) for i, here in members)
    return p.MembersNoted(point="lac-thuy", members=found, gone=gone, total=2, present=1)


def test_time_counts_while_the_bridge_is_there_and_says_so() -> None:
    log = recorded(
        (0.0, e.Opened(booking=BOOKING)),
        (10.0, e.PointJoined(point="lac-thuy")),
        (10.0, noted(("an-binh", True), ("chi-ne", False))),
        (40.0, e.PointLeft(point="lac-thuy", reason="vanished")),
        (60.0, e.PointJoined(point="lac-thuy")),
        (70.0, noted(("chi-ne", True))),
        (75.0, e.ClockStepped(seconds=100.0)),
        (190.0, noted(gone=("an-binh",))),
        (200.0, e.Ended()),
    )
    rows = {row.member: row for row in report(log, 500.0).members}
    assert rows["an-binh"].present_seconds == 30 + (190 - 160)
    assert rows["an-binh"].joined_at == 10.0
    assert rows["an-binh"].left_at == 190.0
    assert rows["chi-ne"].present_seconds == 200 - 170
    assert all(row.point == "lac-thuy" for row in rows.values())
