"""Templates with their ETags, and the calendar feed."""

from __future__ import annotations

from typing import Any

from icalendar import Calendar

from config.minutes_schema import Minutes
from tests.control_support import Bridge


async def test_templates_are_changed_with_etags(bridge: Bridge) -> None:
    template = {
        "title": {"vi": "Họp xã"},
        "points": ["khoan-du", "chi-ne"],
        "chair": "chi-ne",
        "schedule": {"start": "2026-11-20 08:00", "minutes": 60, "rule": "FREQ=DAILY;COUNT=3"},
    }

    async def put(body: object, tag: str = "", role: Any = "operator") -> Any:
        headers = {"If-Match": tag} if tag else {}
        return await bridge.call("PUT", "/templates/hop-xa", body, role=role, headers=headers)

    assert (await put(template, role="viewer")).status == 403
    made = await put(template)
    assert made.status == 201
    tag = made.headers["ETag"]
    assert (await put(template)).status == 428
    assert (await put(template, '"stale"')).status == 412
    bad = await put({**template, "chair": "yen-bong"}, tag)
    assert bad.status == 422
    assert "yen-bong" in (await bad.json())["title"]
    bad = await put({**template, "schedule": {"start": "soon"}}, tag)
    assert bad.status == 422
    said = await bad.json()
    assert said["title_vi"].endswith("'soon' không phải thời điểm, ví dụ 2026-11-23 07:30.")
    assert said["title"].endswith("'soon' is not a time like 2026-11-23 07:30.")
    changed = await put({**template, "title": {"vi": "Họp xã mới"}}, tag)
    assert changed.status == 200
    await bridge.process.scheduler.look()
    coming = await (await bridge.call("GET", "/schedule", role="technician")).json()
    assert [item["title"]["vi"] for item in coming][:3] == ["Họp xã mới"] * 3
    gone = {"If-Match": changed.headers["ETag"]}
    path = "/templates/hop-xa"
    assert (await bridge.call("DELETE", path, role="operator", headers=gone)).status == 204
    of_file = await bridge.call(
        "PUT", "/templates/giao-ban", template, role="operator", headers={"If-Match": "*"}
    )
    assert of_file.status == 409


async def test_agenda_and_head_of_the_minutes_are_kept_as_they_were_given(bridge: Bridge) -> None:
    """What a template leaves out of its minutes stays as in the topology."""
    given = {
        "title": {"vi": "Họp xã"},
        "agenda": [{"title": "Khai mạc", "minutes": 5}, {"title": "Ý kiến", "point": "chi-ne"}],
        "minutes": {"symbol": "BB-UBND", "superior": None},
    }
    made = await bridge.call("PUT", "/templates/hop-xa", given, role="operator")
    assert made.status == 201, await made.text()
    response = await bridge.call("GET", "/templates/hop-xa", role="operator")
    found = await response.json()
    assert {name: found[name] for name in given} == given
    saved = {"If-Match": response.headers["ETag"]}
    again = await bridge.call("PUT", "/templates/hop-xa", found, role="operator", headers=saved)
    assert (await again.json()) == found
    await bridge.process.scheduler.load()
    own = bridge.process.scheduler.templates()["hop-xa"].minutes
    assert own is not None
    general = Minutes(superior="UBND TỈNH", agency="UBND HUYỆN", recipients=["Lưu: VT"])
    under = own.under(general)
    assert (under.superior, under.agency, under.symbol) == (None, "UBND HUYỆN", "BB-UBND")
    assert under.recipients == ["Lưu: VT"]


async def test_the_calendar_feed(bridge: Bridge) -> None:
    me = await (await bridge.call("GET", "/me", role="viewer")).json()
    assert (await bridge.client.get("/api/v1/calendar.ics?key=wrong")).status == 401
    assert (await bridge.client.get("/api/v1/calendar.ics")).status == 401
    response = await bridge.client.get(f"/api/v1/calendar.ics?key={me['calendar']}")
    assert response.content_type == "text/calendar"
    event: Any
    (event,) = Calendar.from_ical(await response.text()).walk("VEVENT")
    assert event["SUMMARY"] == "Họp giao ban tuần"
    assert event["RRULE"]["FREQ"] == ["WEEKLY"]
    assert event["DTSTART"].dt.utcoffset().total_seconds() == 7 * 3600
