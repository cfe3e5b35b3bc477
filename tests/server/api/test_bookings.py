"""The operators' calendar: single bookings changed, clashes and links, invitations, the feed."""

from __future__ import annotations

from typing import Any

from icalendar import Calendar

from bridge.control import templates
from tests.control_support import Bridge

WEEKLY = {
    "title": {"vi": "Họp xã", "en": "Commune meeting"},
    "points": ["khoan-du", "chi-ne"],
    "agenda": [{"title": "Khai mạc", "point": "chi-ne", "minutes": 5}],
    "schedule": {"start": "2026-11-20 08:00", "minutes": 60, "rule": "FREQ=WEEKLY;COUNT=4"},
}
OTHER = {
    "title": {"vi": "Họp khác"},
    "points": ["khoan-du", "an-binh"],
    "schedule": {"start": "2026-11-28 14:00", "minutes": 60},
}


async def put(bridge: Bridge, ident: str, body: dict[str, Any]) -> None:
    made = await bridge.call("PUT", f"/templates/{ident}", body, role="operator")
    assert made.status == 201, await made.text()


async def change(bridge: Bridge, action: str, day: str, **more: Any) -> Any:
    body = {"action": action, "day": day, **more}
    return await bridge.call("POST", "/calendar/hop-xa", body, role="operator")


async def bookings(bridge: Bridge) -> list[tuple[str, str]]:
    found = await (await bridge.call("GET", "/calendar", role="operator")).json()
    return [(b["day"], b["state"]) for b in found["bookings"] if b["template"] == "hop-xa"]


async def test_one_booking_is_cancelled_moved_restored_and_repeated(bridge: Bridge) -> None:
    await put(bridge, "hop-xa", WEEKLY)
    await put(bridge, "khac", OTHER)
    assert (await change(bridge, "cancel", "2026-11-27")).status == 200
    moved = await change(bridge, "move", "2026-12-04", start="2026-12-05 14:00", minutes=30)
    assert moved.status == 200, await moved.text()
    assert (await change(bridge, "repeat", "2026-11-20", start="2026-11-28 14:30")).status == 200
    assert await bookings(bridge) == [
        ("2026-11-20", "planned"),
        ("2026-11-27", "cancelled"),
        ("2026-11-28 14:30", "extra"),
        ("2026-12-04", "moved"),
        ("2026-12-11", "planned"),
    ]
    listed = await (await bridge.call("GET", "/calendar", role="operator")).json()
    extra = next(b for b in listed["bookings"] if b["state"] == "extra")
    assert [(x["template"], x["points"]) for x in extra["clashes"]] == [("khac", ["khoan-du"])]
    await bridge.process.scheduler.look()
    coming = await (await bridge.call("GET", "/schedule", role="viewer")).json()
    assert len([c for c in coming if c["template"] == "hop-xa"]) == 2, "the next fourteen days"
    shown = await (await bridge.call("GET", "/templates/hop-xa", role="operator")).json()
    assert shown["schedule"]["exceptions"] == [], "the template is as it was written"
    await bridge.process.scheduler.load()  # as after a restart
    assert ("2026-12-04", "moved") in await bookings(bridge)
    assert (await change(bridge, "restore", "2026-11-27")).status == 200
    assert (await change(bridge, "restore", "2026-12-04")).status == 200
    assert (await change(bridge, "cancel", "2026-11-28 14:30")).status == 200
    assert {state for _, state in await bookings(bridge)} == {"planned"}


async def test_what_cannot_be_changed_is_refused_with_a_sentence(bridge: Bridge) -> None:
    left_out = {**WEEKLY["schedule"], "exceptions": ["2026-11-27"]}  # type: ignore[dict-item]
    await put(bridge, "hop-xa", {**WEEKLY, "schedule": left_out})
    for action, day, more, status, key in (
        ("cancel", "2026-11-21", {}, 404, "calendar.no_booking"),
        ("move", "2026-11-20", {"start": "2026-11-01 08:00"}, 422, "calendar.past"),
        ("move", "2026-11-20", {"start": "2026-13-45 08:00"}, 422, "calendar.bad_time"),
        ("repeat", "2026-11-20", {"start": "2026-12-04 08:00"}, 409, "calendar.same_time"),
        ("restore", "2026-11-27", {}, 409, "calendar.in_template"),
    ):
        refused = await change(bridge, action, day, **more)
        said = await refused.json()
        assert (refused.status, said["type"]) == (status, f"/problems/{key}"), day
    assert (await change(bridge, "cancel", "<b>")).status == 422
    body = {"action": "cancel", "day": "2026-11-20"}
    assert (await bridge.call("POST", "/calendar/hop-xa", body, role="viewer")).status == 403
    assert (await bridge.call("POST", "/calendar/nothing", body, role="operator")).status == 404


async def test_what_has_been_opened_stays_as_it_is(bridge: Bridge) -> None:
    soon = {**WEEKLY, "schedule": {"start": "2026-11-18 20:00", "minutes": 60}}
    await put(bridge, "hop-xa", soon)
    await bridge.open("hop-xa")
    for action, more in (("cancel", {}), ("move", {"start": "2026-11-28 14:00"})):
        refused = await change(bridge, action, "2026-11-18", **more)
        said = await refused.json()
        assert (refused.status, said["type"]) == (409, "/problems/calendar.opened")
    listed = await (await bridge.call("GET", "/calendar", role="operator")).json()
    assert [b["opened"] for b in listed["bookings"] if b["template"] == "hop-xa"] == [True]


async def test_what_a_time_would_meet_is_told_before_it_is_saved(bridge: Bridge) -> None:
    await put(bridge, "hop-xa", WEEKLY)
    await put(bridge, "khac", OTHER)
    path = "/calendar/hop-xa/check?day=2026-11-27&minutes=60&start="
    met = await (await bridge.call("GET", path + "2026-11-28 14:30", role="operator")).json()
    assert [clash["template"] for clash in met["clashes"]] == ["khac"]
    beside = {link["link"]: link["taken_down"] for link in met["plan"]["links"]}
    assert max(beside.values()) > 0, "the other one takes its share of a link"
    alone = await (await bridge.call("GET", path + "2026-11-27 08:15", role="operator")).json()
    assert alone["clashes"] == [], "it does not meet itself"
    assert max(link["taken_down"] for link in alone["plan"]["links"]) == 0
    assert (await bridge.call("GET", path + "soon", role="operator")).status == 422


async def test_invitations_and_the_feed_know_of_changes(bridge: Bridge) -> None:
    await put(bridge, "hop-xa", WEEKLY)
    await change(bridge, "move", "2026-11-27", start="2026-11-28 14:00", minutes=30)
    await change(bridge, "repeat", "2026-11-20", start="2026-11-30 09:00")
    path = "/calendar/hop-xa/invitation.ics?day=2026-11-27"
    single = Calendar.from_ical(await (await bridge.call("GET", path, role="operator")).read())
    (event,) = single.walk("VEVENT")
    assert f"{event.decoded('dtstart'):%Y-%m-%d %H:%M}" == "2026-11-28 14:00"
    assert "1. Khai mạc" in str(event["description"])
    notice = await bridge.call(
        "GET", "/calendar/hop-xa/notice.pdf?day=2026-11-27&language=en", role="operator"
    )
    assert (await notice.read()).startswith(b"%PDF")
    me = await (await bridge.call("GET", "/me", role="operator")).json()
    feed = await bridge.client.get(f"/api/v1/calendar.ics?key={me['calendar']}")
    events = Calendar.from_ical(await feed.read()).walk("VEVENT")
    ours = [event for event in events if str(event["uid"]).startswith("hop-xa")]
    assert len(ours) == 3
    assert sum("recurrence-id" in event for event in ours) == 1
    assert templates.UNPLANNED not in str(ours)


async def test_the_feed_has_a_booking_without_a_rule_where_it_is_now(bridge: Bridge) -> None:
    """Without a rule there is no recurrence that programs could take one time out of."""
    await put(bridge, "hop-xa", {**WEEKLY, "schedule": OTHER["schedule"]})
    me = await (await bridge.call("GET", "/me", role="operator")).json()

    async def times() -> list[str]:
        feed = await bridge.client.get(f"/api/v1/calendar.ics?key={me['calendar']}")
        events = Calendar.from_ical(await feed.read()).walk("VEVENT")
        ours = [event for event in events if str(event["uid"]) == "hop-xa@diem-cau"]
        return [f"{event.decoded('dtstart'):%Y-%m-%d %H:%M}" for event in ours]

    assert await times() == ["2026-11-28 14:00"]
    await change(bridge, "move", "2026-11-28", start="2026-11-29 09:00", minutes=30)
    assert await times() == ["2026-11-29 09:00"]
    await change(bridge, "cancel", "2026-11-28")
    assert await times() == []
