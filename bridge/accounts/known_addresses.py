"""Addresses from which people and rooms have logged in. Connections from them have room of their
own at the front door, also while strangers take all that strangers may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bridge.store.accounts import Accounts
from bridge.store.database import FAULTS

log = logging.getLogger("auth")

LIFE = 90 * 86400.0  # seconds without anybody until an address is strange again
MOST = 5000  # addresses; the oldest are forgotten first
SAVE_EVERY = 60.0  # seconds
FRESH = 86400.0  # seconds until the same address is saved again


class KnownAddresses:
    """Remembers these addresses, in memory and in the database. ``now`` is UTC seconds."""

    def __init__(self, accounts: Accounts, now: Callable[[], float]) -> None:
        self._accounts = accounts
        self._now = now
        self._seen: dict[str, float] = {}
        self._unsaved: dict[str, float] = {}

    def __contains__(self, address: object) -> bool:
        return address in self._seen

    async def load(self) -> None:
        """Remember those of the process before."""
        since = self._now() - LIFE
        self._seen = {
            a: seen for a, seen in (await self._accounts.addresses()).items() if seen > since
        }

    def add(self, address: str) -> None:
        """Somebody who may come in has come from there."""
        now = self._now()
        if address and now - self._seen.get(address, 0.0) > FRESH:
            self._seen.pop(address, None)
            self._seen[address] = self._unsaved[address] = now
            while len(self._seen) > MOST:
                del self._seen[next(iter(self._seen))]

    async def save(self) -> None:
        """Write down what is new."""
        unsaved, self._unsaved = self._unsaved, {}
        try:
            await self._accounts.put_addresses(unsaved, self._now() - LIFE)
        except FAULTS as error:
            self._unsaved = unsaved | self._unsaved
            log.warning("known addresses wait for the store: %s", type(error).__name__)

    async def run(self) -> None:
        """Save now and then until cancelled."""
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if self._unsaved:
                await self.save()
