"""Who may call: usernames of ICE, and checks of ours that wait for an answer, as tables of the
compiled turn."""

from __future__ import annotations

from collections.abc import Collection

from bridge.media.hot.places import Places
from bridge.media.hot.world import (
    ASKED,
    USERNAME_PLACES,
    World,
    username_place_of,
    username_step,
)


class Callers:
    """The tables that `bridge.media.hot.strangers` searches. ``row`` is a transport's."""

    def __init__(self, world: World) -> None:
        self._w = world[0]
        self._were_asked = False
        self._usernames = Places(self._w["usernames"], username_place_of, USERNAME_PLACES)

    def add(self, username: bytes, row: int) -> None:
        self._usernames.add(_numbers(username), row)

    def remove(self, username: bytes, row: int) -> None:
        self._usernames.remove(_numbers(username), row)

    def asked(self, transactions: Collection[bytes]) -> None:
        """These checks of ours may be answered now, and no others."""
        if not transactions and not self._were_asked:
            return
        self._were_asked = bool(transactions)
        self._w["asked"] = len(transactions)
        for place, transaction in enumerate(transactions):
            if place == ASKED:
                break
            high, low = (int.from_bytes(transaction[at : at + 4], "big") for at in (0, 4))
            self._w["answers"][place] = high << 31 ^ low


def _numbers(username: bytes) -> tuple[int, int]:
    first = second = 0
    for octet in username:
        first, second = username_step(first, second, octet)
    return first, second
