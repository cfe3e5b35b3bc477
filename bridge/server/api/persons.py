"""Lists of delegates: typed in, out of a file, changed, exported and forgotten; links for their
telephones."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence, sentence, text
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.attendance import MAX_PERSONS, Person, PersonError, details
from bridge.conference.model import Point
from bridge.conference.vote_commands import Weight
from bridge.control.persons.list_files import LARGEST, rows_of
from bridge.control.persons.list_rows import Entry, ListError, entries, plain_word
from bridge.control.persons.register import Register, sealed
from bridge.reports.csv_table import as_csv
from bridge.reports.link_cards import Card, link_cards
from bridge.server.api.routes import Call, Route, attachment, read_bounded
from bridge.server.problems import row_problems
from bridge.store.person_records import PersonRecord
from config.room_address import room_address

LINK_OCTETS = 16
LINK_LIFE = 14 * 86400.0  # seconds that a link is good: handed out with the invitation
Words = Annotated[str, msgspec.Meta(max_length=1000)]


class PersonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delegate of a point. ``weight``: votes where persons vote."""

    point: Point
    name: Words
    agency: Words = ""
    position: Words = ""
    weight: Weight = 1


class PersonsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    persons: Annotated[tuple[PersonBody, ...], msgspec.Meta(min_length=1, max_length=MAX_PERSONS)]


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A delegate. ``present`` is None where there is no conference to be in; ``source`` is typed,
    file, template or code; ``telephone``: a telephone holds the person's link. ``sealed``: what it
    is called is what the log has sealed."""

    id: str
    point: str
    name: str
    agency: str
    position: str
    weight: int
    source: str
    present: bool | None
    telephone: bool
    sealed: bool


class PersonList(msgspec.Struct, frozen=True, kw_only=True):
    """The delegates of a conference or template, by point and name. ``forgotten`` are those whose
    names were removed."""

    of: str
    persons: list[PersonView]
    forgotten: int


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How many persons a file had; all of them are on the list."""

    persons: int


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link for one telephone, told once, and its code as rows of ``0`` and ``1``."""

    address: str
    until: float
    rows: tuple[str, ...]


def qr_rows(address: str) -> tuple[str, ...]:
    """An address as a QR code (ISO/IEC 18004), without a border."""
    import segno  # noqa: PLC0415  (with the first code)

    code = segno.make(address, error="l", boost_error=False, micro=False)
    return tuple("".join("1" if dark else "0" for dark in row) for row in code.matrix)


async def conference_persons(call: Call, of: str) -> dict[str, Person] | None:
    """The list that the log of a conference has; None: it was never opened."""
    services = call.services
    if of in services.conductor.states:
        return services.conductor.states[of].persons
    log = await services.events.read(of)
    if not log or not isinstance(log[0].event, e.Opened):
        return None
    state = replay(log)
    return state.persons if state is not None else None


async def _whose(call: Call, *, changes: bool = True) -> str:
    """The conference or template that is meant. Raises `Denied` where there is none; where
    something is to change, also for a conference that is over."""
    services, of = call.services, call.request.query.get("of", "")
    if of in services.conductor.states or of in services.scheduler.templates():
        return of
    if not of or not await services.events.exists(of):
        raise Denied(422, "persons.of_nothing", id=of[:120])
    if changes:
        raise Denied(409, "refusal.ended")
    return of


def _view(record: PersonRecord, persons: dict[str, Person] | None) -> PersonView:
    known = persons.get(record.id) if persons is not None else None
    return PersonView(
        id=record.id,
        point=record.point,
        name=record.name,
        agency=record.agency,
        position=record.position,
        weight=record.weight,
        source=record.source,
        present=None if persons is None else known is not None and known.present,
        telephone=bool(record.secret),
        sealed=sealed(record, known),
    )


async def list_persons(call: Call) -> Any:
    """The list, or with ``?format=csv`` as a table for a spreadsheet."""
    of = await _whose(call, changes=False)
    persons = await conference_persons(call, of)
    views = [_view(record, persons) for record in call.services.persons.of(of)]
    if call.request.query.get("format") == "csv":
        return _table(call, of, views)
    named = {view.id for view in views}
    forgotten = len(set(persons or ()) - named) if of not in call.services.conductor.states else 0
    return PersonList(of=of, persons=views, forgotten=forgotten)


def _table(call: Call, of: str, views: list[PersonView]) -> web.Response:
    language = call.language()
    names = {p.id: p.name.text(language) for p in call.services.control.topology.current.points}
    columns = ("name", "agency", "position", "point", "weight", "present")
    header = [text(language, f"persons.column_{column}") for column in columns]
    marks = {True: "x", False: "", None: ""}
    rows = [
        [v.name, v.agency, v.position, names.get(v.point, v.point), str(v.weight), marks[v.present]]
        for v in views
    ]
    return attachment(as_csv(header, rows).encode(), "text/csv", f"{of}-persons.csv")


def _entry(body: PersonBody) -> Entry:
    return Entry(body.point, details(body.name, body.agency, body.position), body.weight)


def _check_point(call: Call, of: str, point: str) -> None:
    state = call.services.conductor.states.get(of)
    known = state.points if state is not None else call.services.control.topology.points
    if point not in known:
        raise Denied(422, "refusal.unknown_point", point=point[:64])


async def add_persons(call: Call) -> PersonList:
    """Put persons on the list of ``?of=``, all or none."""
    of = await _whose(call)
    body: PersonsBody = call.body
    for person in body.persons:
        _check_point(call, of, person.point)
    try:
        added = await call.services.persons.add(of, [_entry(p) for p in body.persons], "typed")
    except PersonError as error:
        raise refused(error) from None
    await call.note("persons add", of, str(len(added)))
    persons = await conference_persons(call, of)
    return PersonList(of=of, persons=[_view(record, persons) for record in added], forgotten=0)


async def import_persons(call: Call) -> Any:
    """Put the persons of a file on the list of ``?of=``; all of them, or none and what is wrong
    with which row. ``?point=`` is where those sit whose row does not say."""
    of = await _whose(call)
    point = call.request.query.get("point", "")
    if point:
        _check_point(call, of, point)
    octets = await read_bounded(call.request, LARGEST + 1)
    points = {
        plain_word(name): p.id
        for p in call.services.control.topology.current.points
        for name in (p.id, p.name.vi, p.name.en or p.name.vi)
    }
    try:
        found = entries(await rows_of(octets), points, point)
        for entry in found:
            _check_point(call, of, entry.point)
        added = await call.services.persons.add(of, found, "file")
    except ListError as error:
        await call.note("persons import", of, error.key)
        said = [(row.row, sentence(row.key, **_worded(row.arguments))) for row in error.rows]
        return row_problems(422, error.key, said, **error.arguments)
    except PersonError as error:
        raise refused(error) from None
    except OSError as error:
        raise Denied(507, "persons.not_read", reason=error.strerror or "") from None
    await call.note("persons import", of, str(len(added)))
    return Imported(persons=len(added))


def _worded(arguments: Mapping[str, str]) -> dict[str, str | Sentence]:
    """Arguments of a sentence; which ``field`` is meant is a word of the catalogue."""
    named: dict[str, str | Sentence] = dict(arguments)
    if "field" in arguments:
        named["field"] = sentence(f"persons.column_{arguments['field']}")
    return named


def refused(error: PersonError) -> Denied:
    """The answer to what does not do as a person."""
    return Denied(422, error.key, **_worded(error.arguments))


def _found(call: Call, register: Register) -> PersonRecord:
    record = register.get(call.param("id"))
    if record is None:
        raise Denied(404, "refusal.unknown_person", id=call.param("id")[:40])
    states = call.services.conductor.states
    if record.of not in states and record.of not in call.services.scheduler.templates():
        raise Denied(409, "refusal.ended")
    return record


async def change_person(call: Call) -> PersonView:
    register, body = call.services.persons, call.body
    record = _found(call, register)
    _check_point(call, record.of, body.point)
    try:
        record = await register.change(record.id, _entry(body))
    except PersonError as error:
        raise refused(error) from None
    await call.note("person change", record.id)
    return _view(record, await conference_persons(call, record.of))


async def remove_person(call: Call) -> None:
    record = _found(call, call.services.persons)
    await call.services.persons.remove(record)
    await call.note("person remove", record.id)


async def forget_persons(call: Call) -> None:
    """Remove what the delegates of a conference that is over are called, before its time."""
    of = call.request.query.get("of", "")
    if of in call.services.conductor.states:
        raise Denied(409, "persons.still_runs")
    count = await call.services.persons.forget(of, 0, call.actor.label)
    if not count:
        raise Denied(404, "persons.of_nothing", id=of[:120])
    await call.note("persons forget", of, str(count))


async def _links(call: Call, of: str, records: Sequence[PersonRecord]) -> list[LinkView]:
    """Links for the telephones of persons."""
    if of not in call.services.conductor.states:
        raise Denied(409, "persons.no_conference")
    page = f"{room_address(call.services.control.topology.current)}/delegate#link="
    until = call.services.conductor.now() + LINK_LIFE
    made = {record.id: secrets.token_urlsafe(LINK_OCTETS) for record in records}
    try:
        await call.services.persons.give_links(made, until)
    except PersonError as error:
        raise refused(error) from None
    return [
        LinkView(address=page + link, until=until, rows=qr_rows(page + link))
        for link in made.values()
    ]


async def make_link(call: Call) -> LinkView:
    """Make a link for one telephone of a person. One that was made before is good no longer, and a
    telephone that used it neither."""
    record = _found(call, call.services.persons)
    [link] = await _links(call, record.of, [record])
    await call.note("person link", record.id)
    return link


async def print_links(call: Call) -> web.Response:
    """Make links for all persons of ``?of=`` that no telephone is of, as cards to be printed."""
    of = await _whose(call)
    records = [record for record in call.services.persons.of(of) if not record.secret]
    if not records:
        raise Denied(409, "persons.all_have_telephones")
    made = await _links(call, of, records)
    language = call.language()
    topology = call.services.control.topology.current
    names = {p.id: p.name.text(language) for p in topology.points}
    cards = [
        Card(
            record.name,
            " · ".join(filter(None, (record.position, record.agency))),
            names.get(record.point, record.point),
            link.rows,
        )
        for record, link in zip(records, made, strict=True)
    ]
    title = call.services.conductor.states[of].booking.title.text(language)
    now = call.services.conductor.now()
    body = await asyncio.to_thread(link_cards, cards, title, language, now)
    await call.note("persons links", of, str(len(cards)))
    return attachment(body, "application/pdf", f"{of}-links.pdf")


ROUTES = [
    Route(
        "GET",
        "/api/v1/persons",
        list_persons,
        "reports",
        "The delegates of a conference or template, as JSON or CSV",
        answer=PersonList,
        query=("of", "format", "language"),
    ),
    Route(
        "POST",
        "/api/v1/persons",
        add_persons,
        "direct",
        "Put delegates on the list of a conference or template",
        PersonsBody,
        PersonList,
        201,
        query=("of",),
    ),
    Route(
        "POST",
        "/api/v1/persons/import",
        import_persons,
        "direct",
        "Put the delegates of a file (CSV, XLSX) on a list, all or none",
        answer=Imported,
        query=("of", "point"),
    ),
    Route(
        "DELETE",
        "/api/v1/persons",
        forget_persons,
        "admin",
        "Remove what the delegates of a conference that is over are called",
        status=204,
        query=("of",),
    ),
    Route(
        "PATCH",
        "/api/v1/persons/{id}",
        change_person,
        "direct",
        "Change a delegate",
        PersonBody,
        PersonView,
    ),
    Route(
        "DELETE",
        "/api/v1/persons/{id}",
        remove_person,
        "direct",
        "Take a delegate off the list",
        status=204,
    ),
    Route(
        "POST",
        "/api/v1/persons/links",
        print_links,
        "direct",
        "Make links for all delegates without a telephone, as cards to be printed (PDF)",
        query=("of", "language"),
        media_type="application/pdf",
    ),
    Route(
        "POST",
        "/api/v1/persons/{id}/link",
        make_link,
        "direct",
        "Make a link for a delegate's telephone, good once",
        answer=LinkView,
        status=201,
    ),
]
