"""Test calls of room pages: the room's own camera and microphone, to the bridge and back. The still
picture that each took is kept for the operators, in memory, until the next call."""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
from collections.abc import Iterable

from bridge.control.sessions import Session
from bridge.signalling.room_call import Call, CallFound

JPEG = b"\xff\xd8\xff"


class RoomCalls:
    """Asks pages for a call, one at a time each, and keeps what they saw."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[tuple[str, int], asyncio.Future[CallFound]] = {}
        self._stills: dict[str, bytes] = {}

    async def call(self, session: Session, timeout: float) -> CallFound | None:
        """Have the page of a point call; what it found, or None where it makes none."""
        number = next(self._numbers)
        key = (session.id, number)
        answer: asyncio.Future[CallFound] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        session.post(Call(id=number))
        try:
            async with asyncio.timeout(timeout):
                found = await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[key]
        if not found.made:
            return None
        if session.point is not None:
            self._keep(session.point, found.still)
        return found

    def answered(self, session: Session, message: CallFound) -> None:
        """A page answers. One that was not asked is not listened to."""
        answer = self._waiting.get((session.id, message.id))
        if answer is not None and not answer.done():
            answer.set_result(message)

    def still(self, point: str) -> bytes | None:
        """What a point's camera saw in its last call, as JPEG."""
        return self._stills.get(point)

    def forget(self, points: Iterable[str]) -> None:
        """These are about to be called again: nobody may take an old picture for a new one."""
        for point in points:
            self._stills.pop(point, None)

    def _keep(self, point: str, text: str) -> None:
        try:
            picture = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return
        if picture.startswith(JPEG):
            self._stills[point] = picture
