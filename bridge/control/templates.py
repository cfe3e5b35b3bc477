"""Templates of conferences, from the topology and the console, and their occurrences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bridge.conference.model import Booking, Connect, Item, Rules, Title
from bridge.conference.schedule import Occurrence, Series, occurrences
from config.schema import Name, Point, Template, Topology

AD_HOC = "hop"  # the template where a topology has none: all points, its chair
UNPLANNED = "hop-dot-xuat"  # what ad-hoc meetings of chosen points are named after
UNPLANNED_TITLE = Name(vi="Họp đột xuất", en="Ad-hoc meeting")
LOCAL = "%Y-%m-%d %H:%M"  # times on the wall, as files and pages write them
LOOK_AHEAD = 14 * 86400.0  # seconds of the schedule that pages show
EARLY = 3 * 3600.0  # seconds before a planned start in which opening by hand means that one


class Upcoming(NamedTuple):
    """A planned conference to come; times are UTC seconds."""

    template: str
    title: Title
    start: float
    end: float


def as_title(name: Name) -> Title:
    return Title(vi=name.vi, en=name.en or name.vi)


def all_templates(topology: Topology, stored: dict[str, Template]) -> dict[str, Template]:
    """Templates by id: the topology's, then the stored ones; a plain one where there are none."""
    found = {template.id: template for template in topology.templates}
    for ident, template in stored.items():
        found.setdefault(ident, template)
    if not found:
        found[AD_HOC] = Template(id=AD_HOC, title=topology.conference.title)
    return found


def rooms(points: Sequence[Point]) -> tuple[str, ...]:
    """The points that meet: all but desks, which call one another."""
    return tuple(point.id for point in points if point.desk is None)


def ad_hoc(topology: Topology, chosen: Sequence[str]) -> Template:
    """A meeting of chosen points that nobody has planned. Raises ValueError, which names
    points that cannot meet."""
    known = {point.id: point for point in topology.points if point.desk is None}
    strange = sorted(set(chosen) - known.keys())
    if strange:
        raise ValueError(", ".join(strange))
    points = [ident for ident in known if ident in chosen]
    if sum(known[ident].role == "member" for ident in points) < 2:
        raise ValueError(", ".join(points))
    return Template(id=UNPLANNED, title=UNPLANNED_TITLE, points=points)


def series_of(template: Template, zone: str) -> Series | None:
    schedule = template.schedule
    if schedule is None:
        return None
    return Series(
        start=datetime.strptime(schedule.start, LOCAL),
        minutes=schedule.minutes,
        zone=zone,
        rule=schedule.rule or "",
        exceptions=frozenset(date.fromisoformat(day) for day in schedule.exceptions),
        moved=tuple(
            (date.fromisoformat(one.day), datetime.strptime(one.start, LOCAL), one.minutes)
            for one in schedule.moved
        ),
        extra=tuple((datetime.strptime(one.start, LOCAL), one.minutes) for one in schedule.extra),
    )


def occurrence_id(template: Template, occurrence: Occurrence) -> str:
    return f"{template.id}-{occurrence.local:%Y%m%d-%H%M}"


def ad_hoc_id(template: Template, now: float, zone: str) -> str:
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
    return f"{template.id}-{local:%Y%m%d-%H%M%S}"


def due_occurrences(template: Template, zone: str, now: float, ahead: float) -> list[Occurrence]:
    """Occurrences whose trial session is to be open now, or in the next ``ahead`` seconds."""
    series = series_of(template, zone)
    if series is None:
        return []
    opening = template.opening_minutes * 60
    return occurrences(series, now, now + opening + ahead)


def occurrence_by_hand(template: Template, zone: str, now: float) -> Occurrence | None:
    """The planned conference that is meant when somebody opens the template now."""
    series = series_of(template, zone)
    found = occurrences(series, now, now + EARLY) if series is not None else []
    return found[0] if found else None


def upcoming(templates: dict[str, Template], zone: str, now: float) -> tuple[Upcoming, ...]:
    """Planned conferences of the next two weeks, soonest first, twenty at most."""
    found: list[Upcoming] = []
    for template in templates.values():
        series = series_of(template, zone)
        if series is None:
            continue
        found += [
            Upcoming(
                template=template.id,
                title=as_title(template.title),
                start=occurrence.start,
                end=occurrence.end,
            )
            for occurrence in occurrences(series, now, now + LOOK_AHEAD)[:20]
        ]
    return tuple(sorted(found, key=lambda item: item.start)[:20])


def booking_of(
    template: Template, topology: Topology, ident: str, occurrence: Occurrence | None
) -> Booking:
    """The booking with which a conference of the template is opened."""
    known = {point.id: point for point in topology.points}
    points = tuple(p for p in (template.points or rooms(topology.points)) if p in known)
    chair = template.chair or topology.conference.chair
    if chair not in points:
        chair = next(p for p in points if known[p].role == "member")
    connect: dict[str, Connect] = {p: known[p].connect for p in points}
    rules = template.rules
    silent = {p for p in points if known[p].role == "observer"}
    return Booking(
        id=ident,
        title=as_title(template.title),
        template=template.id,
        points=points,
        chair=chair,
        expected=tuple(p for p in template.expected if p in points),
        observers=tuple(p for p in points if known[p].role == "observer"),
        connect=connect,
        bridges=tuple(p for p in points if topology.peer_of(p) is not None),
        layout=template.layout,
        rules=Rules(
            all_muted=rules.all_muted,
            floor=rules.floor,
            recording=rules.recording,
            speaking_seconds=rules.speaking_seconds,
            keep_days=rules.keep_days,
            audience=rules.audience,
            recording_for=rules.recording_for,
            recording_voices=rules.recording_voices,
        ),
        agenda=tuple(
            Item(
                number=number,
                title=item.title,
                point=item.point if item.point in points and item.point not in silent else None,
                minutes=item.minutes,
            )
            for number, item in enumerate(template.agenda, 1)
        ),
        start=occurrence.start if occurrence is not None else None,
        end=occurrence.end if occurrence is not None else None,
    )
