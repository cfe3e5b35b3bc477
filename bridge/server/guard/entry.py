"""How often an address may try to come in: to watch, and as a delegate with a telephone."""

from __future__ import annotations

from collections.abc import Callable

from bridge.accounts.throttle import Throttle
from bridge.server.guard.message_budget import Budgets, Rate

OFFERS = Rate(1.0, 60.0)  # of one address: a class that comes at once, and then now and then


REGISTRATIONS = Rate(1.0, 60.0)  # of one address: a hall whose telephones come by one router
MISSES = Rate(1.0, 60.0)  # codes and secrets that are none: telephones that are out of date


class Entry:
    """Limits, by address, on wrong viewer codes and on offers. ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes = Throttle()
        self._offers = Budgets()

    def wait(self, address: str) -> float:
        """Seconds until an address may try again; 0: now."""
        return self._codes.wait("", address, self._clock(), address)

    def failed(self, address: str) -> None:
        """An address gave a code that is none."""
        self._codes.failed("", address, self._clock(), address)

    def offers(self, address: str) -> bool:
        """Whether one more offer of an address is looked at."""
        return self._offers.spend(address, "offer", OFFERS, self._clock()) == "take"


class DelegateEntry:
    """How often telephones of an address may register, and come with what is no code, link or
    secret (any more). Those cannot be guessed, and many telephones have one address: so whoever has
    a good one never waits for others. ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._budgets = Budgets()

    def registers(self, address: str) -> bool:
        """Whether one more registration of an address is looked at."""
        return self._budgets.spend(address, "register", REGISTRATIONS, self._clock()) == "take"

    def misses(self, address: str) -> bool:
        """Whether one more miss of an address gets an answer of its own."""
        return self._budgets.spend(address, "miss", MISSES, self._clock()) == "take"
