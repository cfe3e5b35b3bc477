"""The schedule as an iCalendar feed (RFC 5545). Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bridge.conference.schedule import Series
from bridge.control.templates import series_of
from bridge.reports.invitation import Invitation, lines
from config.schema import Template

if TYPE_CHECKING:
    from icalendar import Calendar, Event


def feed(templates: list[Template], zone: str, name: str, language: str, now: float) -> bytes:
    """Every template that has a schedule, with its rule and its exceptions, and single bookings
    that are not as the rule says."""
    # Imported when somebody reads the feed: a start is to be short.
    from icalendar import vRecur  # noqa: PLC0415

    calendar = _calendar()
    calendar.add("x-wr-calname", name)
    tz = ZoneInfo(zone)

    def event(uid: str, template: Template, local: datetime, minutes: int) -> Event:
        start = local.replace(tzinfo=tz)
        title = template.title.text(language)
        return _event(uid, title, name, start, start + timedelta(minutes=minutes), now)

    for template in templates:
        series = series_of(template, zone)
        if series is None:
            continue
        moved = {day for day, _, _ in series.moved}
        if series.rule or series.start.date() not in series.exceptions | moved:
            usual = event(template.id, template, series.start, series.minutes)
            if series.rule:
                usual.add("rrule", vRecur.from_ical(series.rule))
                for day in sorted(series.exceptions):
                    usual.add("exdate", _usual(series, day, tz))
            calendar.add_component(usual)
        for local, minutes, of in series.single:
            uid = template.id if of is not None else f"{template.id}-{local:%Y%m%d-%H%M}"
            one = event(uid, template, local, minutes)
            if of is not None and series.rule:
                one.add("recurrence-id", _usual(series, of, tz))
            calendar.add_component(one)
    return _octets(calendar)


def _usual(series: Series, day: date, tz: ZoneInfo) -> datetime:
    """When a series takes place on a day by its rule."""
    return datetime.combine(day, time(series.start.hour, series.start.minute), tz)


def invitation(made: Invitation, now: float) -> bytes:
    """One booking as an iCalendar file. ``now`` is UTC seconds."""
    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    begin, end = made.times
    event = _event(made.uid, made.title, made.bridge, begin, end, now)
    said = (f"{label}: {content}".removeprefix(": ") for label, content in lines(made))
    event.add("description", "\n".join(said))
    calendar.add_component(event)
    return _octets(calendar)


def _calendar() -> Calendar:
    from icalendar import Calendar  # noqa: PLC0415

    calendar = Calendar()
    calendar.add("prodid", "-//Diem Cau//Schedule//VI")
    calendar.add("version", "2.0")
    return calendar


def _event(
    uid: str, title: str, location: str, start: datetime, end: datetime, now: float
) -> Event:
    from icalendar import Event  # noqa: PLC0415

    event = Event()
    event.add("uid", f"{uid}@diem-cau")
    event.add("dtstamp", datetime.fromtimestamp(now, UTC))
    event.add("summary", title)
    event.add("location", location)
    event.add("dtstart", start)
    event.add("dtend", end)
    return event


def _octets(calendar: Calendar) -> bytes:
    calendar.add_missing_timezones()
    data: bytes = calendar.to_ical()
    return data
