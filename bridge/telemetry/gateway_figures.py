"""What the SIP gateway tells, as figures that outlive it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol


class Call(Protocol):
    """One call that is up."""

    @property
    def transcodes_up(self) -> bool: ...
    @property
    def transcodes_down(self) -> bool: ...


class News(Protocol):
    """How the gateway is; counts are since its process began."""

    @property
    def listening(self) -> bool: ...
    @property
    def registered(self) -> bool | None: ...
    @property
    def calls(self) -> Iterable[Call]: ...
    @property
    def dialled(self) -> int: ...
    @property
    def answered(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def refused(self) -> Mapping[str, int]: ...


class GatewayFigures:
    """Counters that never go back, whichever process counts."""

    def __init__(self) -> None:
        self.listening = False
        self.registered = False
        self.calls = 0
        self.transcoded = 0
        """Pictures that are coded anew now: two for a call where that is so both ways."""
        self.made: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._before: dict[str, int] = {}

    def take(self, news: News) -> None:
        """The gateway tells how it is."""
        self.listening, self.registered = news.listening, bool(news.registered)
        calls = list(news.calls)
        self.calls = len(calls)
        self.transcoded = sum(c.transcodes_up + c.transcodes_down for c in calls)
        counts = {"dialled": news.dialled, "answered": news.answered, "failed": news.failed}
        for name, value in counts.items():
            self.made[name] += self._since(name, value)
        for name, value in news.refused.items():
            self.refused[name] += self._since(f"refused.{name}", value)

    def _since(self, name: str, value: int) -> int:
        before = self._before.get(name, 0)
        self._before[name] = value
        return value - before if value >= before else value  # another process counts

    def gone(self) -> None:
        """The gateway's process is away."""
        self.listening = self.registered = False
        self.calls = self.transcoded = 0
        self._before.clear()
