"""The schedule as an iCalendar feed (RFC 5545). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bridge.control.templates import series_of
from config.schema import Template


def feed(templates: list[Template], zone: str, name: str, language: str, now: float) -> bytes:
    """Every template that has a schedule, with its rule and its exceptions."""
    # Imported when somebody reads the feed: a start is to be short.
    from icalendar import Calendar, Event, vRecur  # noqa: PLC0415

    calendar = Calendar()
    calendar.add("prodid", "-//Diem Cau//Schedule//VI")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    tz = ZoneInfo(zone)
    for template in templates:
        series = series_of(template, zone)
        if series is None:
            continue
        event = Event()
        event.add("uid", f"{template.id}@diem-cau")
        event.add("dtstamp", datetime.fromtimestamp(now, UTC))
        event.add("summary", template.title.text(language))
        event.add("location", name)
        start = series.start.replace(tzinfo=tz)
        event.add("dtstart", start)
        event.add("dtend", start + timedelta(minutes=series.minutes))
        if series.rule:
            event.add("rrule", vRecur.from_ical(series.rule))
        for day in sorted(series.exceptions):
            at = time(series.start.hour, series.start.minute)
            event.add("exdate", datetime.combine(day, at, tz))
        calendar.add_component(event)
    calendar.add_missing_timezones()
    data: bytes = calendar.to_ical()
    return data
