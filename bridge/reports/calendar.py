"""The schedule as an iCalendar feed (RFC 5545). Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bridge.conference.schedule import Series
from bridge.control.templates import series_of
from bridge.reports.invitation import Invitation, lines
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
            event.add("exdate", _usual(series, day, tz))
        calendar.add_component(event)
        single: list[tuple[datetime, int, date | None]] = []
        single += [(local, length, day) for day, local, length in series.moved]
        single += [(local, length, None) for local, length in series.extra]
        for local, length, of in single:
            if of in series.exceptions:
                continue
            one = Event()
            of_rule = of is not None and bool(series.rule)
            uid = template.id if of_rule else f"{template.id}-{local:%Y%m%d-%H%M}"
            one.add("uid", f"{uid}@diem-cau")
            one.add("dtstamp", datetime.fromtimestamp(now, UTC))
            one.add("summary", template.title.text(language))
            one.add("location", name)
            one.add("dtstart", local.replace(tzinfo=tz))
            one.add("dtend", local.replace(tzinfo=tz) + timedelta(minutes=length))
            if of is not None and of_rule:
                one.add("recurrence-id", _usual(series, of, tz))
            calendar.add_component(one)
    calendar.add_missing_timezones()
    data: bytes = calendar.to_ical()
    return data


def _usual(series: Series, day: date, tz: ZoneInfo) -> datetime:
    """When a series takes place on a day by its rule."""
    return datetime.combine(day, time(series.start.hour, series.start.minute), tz)


def invitation(made: Invitation, now: float) -> bytes:
    """One booking as an iCalendar file. ``now`` is UTC seconds."""
    from icalendar import Calendar, Event  # noqa: PLC0415

    calendar = Calendar()
    calendar.add("prodid", "-//Diem Cau//Schedule//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    event = Event()
    event.add("uid", made.uid)
    event.add("dtstamp", datetime.fromtimestamp(now, UTC))
    event.add("summary", made.title)
    event.add("location", made.bridge)
    begin, end = made.times
    event.add("dtstart", begin)
    event.add("dtend", end)
    said = (f"{label}: {content}".removeprefix(": ") for label, content in lines(made))
    event.add("description", "\n".join(said))
    calendar.add_component(event)
    calendar.add_missing_timezones()
    data: bytes = calendar.to_ical()
    return data
