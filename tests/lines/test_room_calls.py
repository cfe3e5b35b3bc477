"""Test calls of room pages, and the still pictures that they take."""

from __future__ import annotations

import asyncio
import base64

from bridge.control.sessions import Client, Session
from bridge.lines.room_calls import JPEG, RoomCalls
from bridge.signalling.room_call import Call, CallFound

STILL = base64.b64encode(JPEG + b"picture").decode()


def page(ident: str, point: str) -> tuple[Session, Client]:
    session = Session("token", ident, "point", point, "point", 0.0)
    client = Client()
    session.attach(client)
    return session, client


async def asked(client: Client) -> int:
    """The number of the call that the page is asked for."""
    message = await client.next()
    assert isinstance(message, Call)
    return message.id


async def test_a_page_is_asked_and_its_picture_is_kept_until_the_next_call() -> None:
    calls = RoomCalls()
    session, client = page("a", "khoan-du")
    call = asyncio.create_task(calls.call(session, 60))
    number = await asked(client)
    found = CallFound(id=number, connected=True, picture=True, sound=True, still=STILL)
    stranger, _ = page("b", "chi-ne")
    calls.answered(stranger, found)
    assert not call.done(), "only who was asked is listened to"
    calls.answered(session, found)
    assert await call == found
    calls.answered(session, found)  # once more: nobody waits
    assert calls.still("khoan-du") == JPEG + b"picture"
    calls.forget(["khoan-du"])
    assert calls.still("khoan-du") is None


async def test_what_is_no_picture_is_not_kept_and_who_does_not_answer_is_not_waited_for() -> None:
    calls = RoomCalls()
    session, client = page("a", "khoan-du")
    for nonsense in ("", "%%%", base64.b64encode(b"<svg onload=x>").decode()):
        call = asyncio.create_task(calls.call(session, 60))
        number = await asked(client)
        calls.answered(session, CallFound(id=number, connected=True, still=nonsense))
        assert await call is not None
        assert calls.still("khoan-du") is None
    assert await calls.call(session, 0) is None


async def test_a_client_that_makes_no_calls_is_not_waited_for() -> None:
    calls = RoomCalls()
    session, client = page("a", "khoan-du")
    call = asyncio.create_task(calls.call(session, 60))
    calls.answered(session, CallFound(id=await asked(client), made=False))
    assert await call is None
