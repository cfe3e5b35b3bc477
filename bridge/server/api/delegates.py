"""Delegates' telephones: registering by the code on a room's screen, a link that is good once, and
voting. Nobody logs in: what a telephone holds is a secret of its own, of which only the hash is
kept, so that whatever is sent twice over a bad line is done once."""

from __future__ import annotations

import hmac
from typing import Annotated

import msgspec

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference import commands as c
from bridge.conference.attendance import PersonError, details
from bridge.conference.model import SYSTEM, Actor, Phase, Refusal, State
from bridge.conference.vote_commands import VoteNumber
from bridge.control.draft import Result
from bridge.control.persons.codes import Code, current, read, written
from bridge.control.persons.list_rows import Entry
from bridge.control.persons.register import digest_of
from bridge.control.views import as_sentence, vote_view
from bridge.server.api.paper_files import room_session
from bridge.server.api.persons import Words, qr_rows, refused
from bridge.server.api.routes import Call, Route, token_of
from bridge.signalling.vote_messages import VoteView
from bridge.store.person_records import PersonRecord
from config.room_address import room_address

MAX_BY_CODE = 100  # persons of one point that register by its code: as many as sit in a hall
Secret = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{32,64}(?!\n)$")]


class RoomCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a room shows: an address, and its QR code as rows of ``0`` and ``1``.
    ``registered`` are the delegates of the room so far."""

    address: str
    rows: tuple[str, ...]
    registered: int


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What a code is for."""

    title: Sentence
    point: Sentence


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delegate who registers. ``secret`` is made by the telephone, which comes back with it."""

    name: Words
    agency: Words = ""
    position: Words = ""
    secret: Secret


class LinkUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A telephone uses a link, which is no other one's from then on."""

    link: Annotated[str, msgspec.Meta(max_length=64)]
    secret: Secret


class DelegateBallot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `CastBallot`: ``ballot`` is its number in that vote, from 1; 0: the next one."""

    number: VoteNumber
    choice: Annotated[str, msgspec.Meta(max_length=20)]
    ballot: Annotated[int, msgspec.Meta(ge=0)] = 0


class DelegateView(msgspec.Struct, frozen=True, kw_only=True):
    """What a delegate's telephone shows. ``vote`` is the last one that persons vote in."""

    title: Sentence
    phase: Phase
    point: Sentence
    name: str
    agency: str
    position: str
    present: bool
    vote: VoteView | None


# --- who comes ----------------------------------------------------------------------------


def _state(call: Call, conference: str) -> State:
    state = call.services.conductor.states.get(conference)
    if state is None:
        raise Denied(409, "delegate.over")
    return state


def _failed(call: Call, key: str) -> Denied:
    """A code or secret that is none."""
    if not call.services.delegates.misses(call.address):
        return Denied(429, "delegate.wait")
    return Denied(401, key)


def _code(call: Call) -> tuple[Code, State]:
    """The code that a telephone has scanned. Raises `Denied` where it admits nobody (any more)."""
    text, by_cookie = token_of(call.request)
    code = None if by_cookie else read(text[:300], call.services.persons.code_key)
    if code is None:
        raise _failed(call, "delegate.bad_code")
    state = _state(call, code.conference)
    opened = state.registration_open and state.registrations == code.number
    if not opened or code.until <= call.services.conductor.now():
        raise Denied(403, "delegate.code_over")
    return code, state


def _holder(call: Call) -> PersonRecord:
    """The person whose telephone asks."""
    secret, by_cookie = token_of(call.request)
    record = call.services.persons.holding(secret[:64]) if secret and not by_cookie else None
    if record is None:
        raise _failed(call, "delegate.unknown")
    return record


def _point(call: Call, point: str) -> Sentence:
    found = call.services.control.topology.current.point(point)
    return as_sentence(found.name) if found is not None else Sentence(vi=point, en=point)


def _view(call: Call, record: PersonRecord) -> DelegateView:
    state = _state(call, record.of)
    person = state.persons.get(record.id)
    votes = [v for v in state.votes if v.by == "persons" and record.id in v.weights]
    return DelegateView(
        title=as_sentence(state.booking.title),
        phase=state.phase,
        point=_point(call, record.point),
        name=record.name,
        agency=record.agency,
        position=record.position,
        present=person is not None and person.present,
        vote=vote_view(votes[-1], record.id) if votes else None,
    )


# --- the calls ----------------------------------------------------------------------------


async def room_code(call: Call) -> RoomCode:
    """The code for a room's screen."""
    session = room_session(call)
    if session.kind != "point" or session.point is None:
        raise Denied(401, "http.no_session")
    state = call.services.conductor.conference_of(session.point)
    if state is None or not state.registration_open:
        raise Denied(409, "delegate.closed")
    now = call.services.conductor.now()
    code = current(state.booking.id, session.point, state.registrations, now)
    page = room_address(call.services.control.topology.current)
    address = f"{page}/delegate#code={written(code, call.services.persons.code_key)}"
    registered = sum(person.point == session.point for person in state.persons.values())
    return RoomCode(address=address, rows=qr_rows(address), registered=registered)


async def show_invitation(call: Call) -> Invitation:
    code, state = _code(call)
    return Invitation(title=as_sentence(state.booking.title), point=_point(call, code.point))


async def register(call: Call) -> DelegateView:
    """Register by a room's code; who does is there. With the same secret again nothing is done
    twice."""
    code, state = _code(call)
    services, body = call.services, call.body
    record = services.persons.holding(body.secret)
    if record is not None and record.of != code.conference:
        raise Denied(409, "delegate.secret_taken")
    if record is None:
        if not services.delegates.registers(call.address):
            raise Denied(429, "delegate.wait")
        here = [r for r in services.persons.of(code.conference) if r.point == code.point]
        if sum(r.source == "code" for r in here) >= MAX_BY_CODE:
            raise Denied(409, "refusal.too_many_persons", most=str(MAX_BY_CODE))
        try:
            entry = Entry(code.point, details(body.name, body.agency, body.position))
            name, agency, _ = entry.details
            if any((r.name, r.agency) == (name, agency) for r in here):
                # Somebody of that name is on the list: who it is cannot be told by a name.
                raise Denied(409, "delegate.listed")
            held = digest_of(body.secret)
            added = await services.persons.add(code.conference, [entry], "code", held)
        except PersonError as error:
            raise refused(error) from None
        record = added[0]
    await services.conductor.submit(
        state.booking.id, c.Attend(persons=(record.id,), present=True), SYSTEM
    )
    return _view(call, record)


async def use_link(call: Call) -> DelegateView:
    """Use a link: it is this telephone's from now on."""
    services, body = call.services, call.body
    record = services.persons.linked(body.link)
    if record is None:
        raise _failed(call, "delegate.bad_link")
    held = digest_of(body.secret)
    if record.secret and not hmac.compare_digest(record.secret, held):
        raise Denied(409, "delegate.link_used")
    if record.link_until <= services.conductor.now():
        raise Denied(403, "delegate.link_over")
    if not record.secret:
        try:
            record = await services.persons.hold(record, held)
        except PersonError as error:
            raise Denied(409, error.key, **error.arguments) from None
    return _view(call, record)


async def show_delegate(call: Call) -> DelegateView:
    return _view(call, _holder(call))


async def cast(call: Call) -> DelegateView:
    """Vote. A ballot that is sent twice counts once; it is in the log before this answers."""
    record = _holder(call)
    body: DelegateBallot = call.body
    _state(call, record.of)
    ballot = c.CastBallot(
        number=body.number,
        choice=body.choice,
        point=record.point,
        person=record.id,
        ballot=body.ballot,
    )
    actor = Actor(kind="person", name=record.id)
    secret = call.services.control.secret_votes
    result: Result
    if secret.vote_of(record.of, body.number) is not None:
        result = await secret.cast(record.of, ballot, actor)
    else:
        result = await call.services.conductor.submit(record.of, ballot, actor)
    if isinstance(result, Refusal):
        raise Denied(409, result.key, **result.arguments)
    return _view(call, record)


ROUTES = [
    Route(
        "GET",
        "/api/v1/room/registration",
        room_code,
        "public",
        "The code with which delegates of a room register; bearer: its session",
        answer=RoomCode,
        headers=("Authorization",),
    ),
    Route(
        "GET",
        "/api/v1/delegate/registration",
        show_invitation,
        "public",
        "What a code is for; bearer: the code",
        answer=Invitation,
        headers=("Authorization",),
    ),
    Route(
        "POST",
        "/api/v1/delegate/registration",
        register,
        "public",
        "Register as a delegate; bearer: the code",
        Registration,
        DelegateView,
        201,
        headers=("Authorization",),
    ),
    Route(
        "POST",
        "/api/v1/delegate/link",
        use_link,
        "public",
        "Use a delegate's link, which is good once",
        LinkUse,
        DelegateView,
    ),
    Route(
        "GET",
        "/api/v1/delegate",
        show_delegate,
        "public",
        "What a delegate's telephone shows; bearer: its secret",
        answer=DelegateView,
        headers=("Authorization",),
    ),
    Route(
        "POST",
        "/api/v1/delegate/ballot",
        cast,
        "public",
        "Vote as a delegate; bearer: the telephone's secret",
        DelegateBallot,
        DelegateView,
        headers=("Authorization",),
    ),
]
