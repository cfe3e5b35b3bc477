"""Which rows of a table are free, and tables that are searched by a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bridge.media.hot.rows import Table
from bridge.media.hot.world import EMPTY, REMOVED

REMOVED_AT_MOST = 1024  # places of removed entries until a table is written anew


class Rows:
    """A table and which of its rows are free."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.table = Table(rows)
        self._fresh = iter(range(len(rows)))
        self._returned: list[int] = []

    def take(self) -> int | None:
        """A row of zeros, or None where there is none left. Rows that were never used, and so
        cost no memory yet, are taken last."""
        if self._returned:
            return self._returned.pop()
        return next(self._fresh, None)

    def give_back(self, row: int) -> None:
        self.rows[row] = np.zeros(1, self.rows.dtype)[0]
        self._returned.append(row)


class Places:
    """A table of the world with open addressing, written by Python and searched by both."""

    def __init__(self, places: Any, place_of: Callable[..., int], size: int) -> None:
        self._names = places.dtype.names[:-1]
        columns = Table(places).columns
        self._keys = [columns[name] for name in self._names]
        self._values = columns["value"]
        self._place_of = place_of
        self._mask = size - 1
        self._held: dict[tuple[int, ...], int] = {}
        self._removed = 0

    def add(self, key: tuple[int, ...], value: int) -> None:
        """Enter a key, or give it another value."""
        self._held[key] = value
        at = self._place_of(*key)
        while self._values[at] >= 0 and self._key(at) != key:
            at = at + 1 & self._mask
        # An entry further on, behind a removed one, must not stay: it would be found later.
        self._drop(key, at)
        for column, part in zip(self._keys, key, strict=True):
            column[at] = part
        self._values[at] = value

    def remove(self, key: tuple[int, ...], value: int) -> None:
        """Forget a key where it has this value."""
        if self._held.get(key) != value:
            return
        del self._held[key]
        self._drop(key, -1)
        self._removed += 1
        if self._removed > REMOVED_AT_MOST:
            self._removed = 0
            for at in range(self._mask + 1):
                self._values[at] = EMPTY
            for kept, number in list(self._held.items()):
                self.add(kept, number)

    def _drop(self, key: tuple[int, ...], but: int) -> None:
        at = self._place_of(*key)
        while self._values[at] != EMPTY:
            if at != but and self._values[at] >= 0 and self._key(at) == key:
                self._values[at] = REMOVED
            at = at + 1 & self._mask

    def _key(self, at: int) -> tuple[int, ...]:
        return tuple(column[at] for column in self._keys)
