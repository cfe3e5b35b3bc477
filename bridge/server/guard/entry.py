"""How often an address may try to come in to watch: wrong codes, and offers."""

from __future__ import annotations

from collections.abc import Callable

from bridge.accounts.throttle import Throttle
from bridge.server.guard.message_budget import Budgets, Rate

OFFERS = Rate(1.0, 60.0)  # of one address: a class that comes at once, and then now and then


class Entry:
    """``clock`` is monotonic."""

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
