"""The operators' calendar: bookings, changes of one of them, clashes, and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference.apply import opened
from bridge.conference.schedule import Occurrence, Series, occurrences
from bridge.control import templates, views
from bridge.control.calendar_changes import Action, Changed, changed_by, with_changes
from bridge.reports import calendar
from bridge.reports.invitation import Invitation, notice
from bridge.server.api.routes import Call, Route, attachment
from bridge.server.api.traffic import LinkPlan, plan_view
from config.schema import Template

DAY = 86400.0
WEEKS = 6  # of the calendar where nothing else is asked for
MOST_WEEKS = 53
LOCAL_PATTERN = r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?"

Local = Annotated[str, msgspec.Meta(max_length=16, pattern=f"^{LOCAL_PATTERN}$")]
LocalOrNone = Annotated[str, msgspec.Meta(max_length=16, pattern=f"^({LOCAL_PATTERN})?$")]


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that takes place at the same time, and the points that would be in both."""

    template: str
    title: Sentence
    start: float
    end: float
    points: tuple[str, ...]


class BookingView(msgspec.Struct, frozen=True, kw_only=True):
    """A planned conference. ``day`` names it in changes: its date by the rule, or its start where
    it is beside the rule. ``state``: planned, moved, extra, or cancelled (then the times are those
    it had)."""

    template: str
    title: Sentence
    day: str
    start: float
    end: float
    state: str
    points: tuple[str, ...]
    items: int = 0
    opened: bool = False
    """A conference of it was opened: it can be changed no more."""
    clashes: tuple[Clash, ...] = ()


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings in the order of their times, and what their points are called."""

    bookings: list[BookingView]
    names: dict[str, Sentence]


class ChangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cancel, move or restore one booking, or hold it once more (``repeat``): ``start`` on the
    wall, and ``minutes``."""

    action: Action
    day: Local
    start: LocalOrNone = ""
    minutes: Annotated[int, msgspec.Meta(ge=5, le=1440)] = 90


class MeetsView(msgspec.Struct, frozen=True, kw_only=True):
    """What a booking at a time would meet: others with the same points, and the links."""

    clashes: tuple[Clash, ...]
    plan: LinkPlan


def _template(call: Call) -> Template:
    ident = call.param("id")
    found = call.services.scheduler.templates().get(ident)
    if found is None:
        raise Denied(404, "api.unknown_template", id=ident)
    if found.schedule is None:
        raise Denied(409, "calendar.not_planned", id=ident)
    return found


def _zone(call: Call) -> ZoneInfo:
    return ZoneInfo(call.services.control.topology.current.bridge.zone)


def _points(call: Call, template: Template) -> tuple[str, ...]:
    topology = call.services.control.topology.current
    return tuple(template.points) or templates.rooms(topology.points)


def _day(occurrence: Occurrence) -> str:
    return occurrence.day.isoformat() if occurrence.day else f"{occurrence.local:%Y-%m-%d %H:%M}"


def _series(call: Call, template: Template) -> Series:
    made = templates.series_of(template, call.services.control.topology.current.bridge.zone)
    assert made is not None, "only templates with a schedule are asked"
    return made


def _planned(call: Call) -> list[Template]:
    found = call.services.scheduler.templates().values()
    return [template for template in found if template.schedule is not None]


class Taken(NamedTuple):
    """A template, and its bookings at some time."""

    template: Template
    points: tuple[str, ...]
    bookings: list[Occurrence]


def _taken(call: Call, after: float, before: float) -> list[Taken]:
    """What is planned in a time. A rule takes milliseconds to work out: once for each template."""
    return [
        Taken(one, _points(call, one), occurrences(_series(call, one), after, before))
        for one in _planned(call)
    ]


def _clashes(
    taken: list[Taken], template: str, day: str, points: tuple[str, ...], start: float, end: float
) -> tuple[Clash, ...]:
    """Bookings of other templates, and other ones of the same, at the same time with the same
    points. ``taken`` is what is planned at that time and around it."""
    found: list[Clash] = []
    for other in taken:
        shared = tuple(p for p in other.points if p in points)
        if not shared:
            continue
        for one in other.bookings:
            beside = one.end <= start or one.start >= end
            if beside or (other.template.id == template and _day(one) == day):
                continue
            found.append(
                Clash(
                    template=other.template.id,
                    title=views.as_sentence(templates.as_title(other.template.title)),
                    start=one.start,
                    end=one.end,
                    points=shared,
                )
            )
    return tuple(found)


async def show_calendar(call: Call) -> Calendar:
    """Bookings of the next weeks, those that were cancelled among them."""
    services = call.services
    weeks = max(1, min(call.number("weeks", WEEKS), MOST_WEEKS))
    now = services.conductor.now()
    before = now + weeks * 7 * DAY
    coming = _taken(call, now, before)
    times = [(one.start, one.end) for each in coming for one in each.bookings]
    around = _taken(
        call,
        min((start for start, _ in times), default=now),
        max((end for _, end in times), default=now),
    )
    found: list[BookingView] = []
    for each in coming:
        found += await _bookings(call, each, around, now, before)
    topology = services.control.topology.current
    return Calendar(
        bookings=sorted(found, key=lambda booking: booking.start),
        names={p.id: views.as_sentence(p.name) for p in topology.points if p.desk is None},
    )


async def _bookings(
    call: Call, coming: Taken, around: list[Taken], now: float, before: float
) -> list[BookingView]:
    template, points = coming.template, coming.points
    series = _series(call, template)
    title = views.as_sentence(templates.as_title(template.title))
    moved = {day for day, _, _ in series.moved}
    found = []
    for one in coming.bookings:
        day = _day(one)
        state = "extra" if one.day is None else "moved" if one.day in moved else "planned"
        ident = templates.occurrence_id(template, one)
        found.append(
            BookingView(
                template=template.id,
                title=title,
                day=day,
                start=one.start,
                end=one.end,
                state=state,
                points=points,
                items=len(template.agenda),
                opened=await call.services.events.exists(ident),
                clashes=_clashes(around, template.id, day, points, one.start, one.end),
            )
        )
    whole = Series(series.start, series.minutes, series.zone, series.rule)
    found += [
        BookingView(
            template=template.id,
            title=title,
            day=_day(one),
            start=one.start,
            end=one.end,
            state="cancelled",
            points=points,
            items=len(template.agenda),
        )
        for one in occurrences(whole, now, before)
        if one.day in series.exceptions
    ]
    return found


def _time(call: Call, text: str) -> float:
    try:
        local = datetime.strptime(text, templates.LOCAL)
    except ValueError:
        raise Denied(422, "calendar.bad_time", time=text[:20]) from None
    return local.replace(tzinfo=_zone(call)).timestamp()


def _found(call: Call, template: Template, day: str) -> Occurrence:
    """The booking that a day names. Raises `Denied`."""
    now = call.services.conductor.now()
    for one in occurrences(_series(call, template), now, now + MOST_WEEKS * 7 * DAY):
        if _day(one) == day:
            return one
    raise Denied(404, "calendar.no_booking", day=day)


async def change_booking(call: Call) -> Calendar:
    """Cancel, move, restore or repeat one booking."""
    body: ChangeBody = call.body
    template, services = _template(call), call.services
    written = services.scheduler.written()[template.id].schedule
    if body.action == "restore" and written is not None and body.day in written.exceptions:
        raise Denied(409, "calendar.in_template", day=body.day)
    if body.action != "restore":
        one = _found(call, template, body.day)
        ident = templates.occurrence_id(template, one)
        if body.action != "repeat" and await services.events.exists(ident):
            raise Denied(409, "calendar.opened")
    if body.action in ("move", "repeat"):
        at = _time(call, body.start)
        if at < services.conductor.now():
            raise Denied(422, "calendar.past")
        asked = changed_by(Changed(), body.action, body.day, body.start, body.minutes)
        after = with_changes(template, asked)
        same = [o for o in occurrences(_series(call, after), at, at + 60) if o.start == at]
        if len(same) > 1:
            raise Denied(409, "calendar.same_time")
    await services.scheduler.change(template.id, body.action, body.day, body.start, body.minutes)
    await call.note("calendar", f"{template.id} {body.day}", body.action)
    return await show_calendar(call)


async def check_booking(call: Call) -> MeetsView:
    """What a booking at another time would meet; asked while somebody types."""
    template = _template(call)
    start = _time(call, call.request.query.get("start", ""))
    end = start + 60 * max(5, min(call.number("minutes", 90), 1440))
    day = call.request.query.get("day", "")[:16]
    topology = call.services.control.topology.current
    points = _points(call, template)
    now = call.services.conductor.now()
    taken = _taken(call, start, end)
    beside = [
        opened(templates.booking_of(other, topology, f"{other.id}-beside", None), now)
        for other, _, bookings in taken
        if other.id != template.id and bookings
    ]
    booking = templates.booking_of(template, topology, "", None)
    return MeetsView(
        clashes=_clashes(taken, template.id, day, points, start, end),
        plan=plan_view(call, booking, beside, call.services.control.promises.taken(beside)),
    )


def _invitation(call: Call) -> tuple[Invitation, str]:
    template = _template(call)
    one = _found(call, template, call.request.query.get("day", "")[:16])
    language = call.language()
    services = call.services
    topology = services.control.topology.current
    general = topology.bridge.minutes
    minutes = template.minutes.under(general) if template.minutes is not None else general
    names = {p.id: p.name.text(language) for p in topology.points}
    booking = templates.booking_of(template, topology, "", one)
    papers, now = services.papers.catalogue.kept.values(), services.conductor.now()
    made = Invitation(
        uid=templates.occurrence_id(template, one),
        title=template.title.text(language),
        start=one.start,
        end=one.end,
        zone=topology.bridge.zone,
        bridge=topology.bridge.name.text(language),
        superior=minutes.superior or "",
        agency=minutes.agency or "",
        place=minutes.place or "",
        chair=names[booking.chair],
        points=tuple(names[p] for p in booking.points),
        agenda=tuple(
            (item.title, names.get(item.point or "", ""), item.minutes) for item in booking.agenda
        ),
        papers=tuple(
            kept.facts.title
            for kept in papers
            if kept.facts.of == template.id and kept.rules.for_user(call.user, now)
        ),
        contact=topology.bridge.contact or "",
        opening=template.opening_minutes,
        language=language,
    )
    return made, templates.occurrence_id(template, one)


async def show_invitation(call: Call) -> web.Response:
    """One booking for calendar programs."""
    made, name = _invitation(call)
    body = calendar.invitation(made, call.services.conductor.now())
    return attachment(body, "text/calendar", f"{name}.ics")


async def show_notice(call: Call) -> web.Response:
    """The notice of one booking, to be printed and signed."""
    made, name = _invitation(call)
    return attachment(notice(made, call.services.conductor.now()), "application/pdf", f"{name}.pdf")


_OF_ONE = ("day", "language")
ROUTES = [
    Route(
        "GET",
        "/api/v1/calendar",
        show_calendar,
        "direct",
        "Bookings of the next weeks, with their clashes",
        answer=Calendar,
        query=("weeks",),
    ),
    Route(
        "POST",
        "/api/v1/calendar/{id}",
        change_booking,
        "templates",
        "Cancel, move, restore or repeat one booking of a template",
        ChangeBody,
        Calendar,
        query=("weeks",),
    ),
    Route(
        "GET",
        "/api/v1/calendar/{id}/check",
        check_booking,
        "direct",
        "What a booking at another time would meet",
        answer=MeetsView,
        query=("day", "start", "minutes"),
    ),
    Route(
        "GET",
        "/api/v1/calendar/{id}/invitation.ics",
        show_invitation,
        "direct",
        "One booking for calendar programs",
        query=_OF_ONE,
        media_type="text/calendar",
    ),
    Route(
        "GET",
        "/api/v1/calendar/{id}/notice.pdf",
        show_notice,
        "direct",
        "The notice of one booking, to be printed",
        query=_OF_ONE,
        media_type="application/pdf",
    ),
]
