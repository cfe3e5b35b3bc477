"""Those who watch now, and how many there were at most. No clock, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bridge.audience.admittance import KINDS, Kind, Why
from bridge.audience.link_shares import Way
from bridge.control.listeners import VIEWER


@dataclass(slots=True, eq=False)
class Viewer:
    """Somebody who watches. ``id`` is that of its transport, and known to nobody else: it names
    what its owner may end. ``mark`` is the number of the code it came with, or the id of its
    login."""

    id: str
    conference: str
    kind: Kind
    mark: str = ""
    address: str = ""
    way: Way = ()
    offer: str = ""
    """What tells a repeated offer."""
    place: str = ""
    """The worker that serves it; "" for that of the points."""
    up: bool = False
    away_since: float | None = None
    """Since when nothing was heard of it, monotonic."""
    asked: float = 0.0
    """When it asked for something last, where only that tells that it is there; monotonic."""
    told: Callable[[], None] | None = None
    """Wakes whoever tells its page what is new."""
    why: Why | Literal[""] = ""
    """Why it watches no longer."""

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.id.removeprefix(VIEWER)

    @property
    def label(self) -> str:
        """What the worker keeps, so that a restarted process knows it."""
        return f"{VIEWER}{self.kind}:{self.mark}:{self.conference}"

    @classmethod
    def of_label(cls, ident: str, label: str, way: Way, place: str = "") -> Viewer | None:
        """The viewer that the worker keeps; where it is, is not known any more."""
        kind, _, rest = label.removeprefix(VIEWER).partition(":")
        mark, _, conference = rest.partition(":")
        if kind not in KINDS:
            return None
        return cls(ident, conference, kind, mark, way=way, place=place)

    def seen(self, *, up: bool, now: float) -> None:
        """Its media came up, or is gone for the moment; ``now`` is monotonic."""
        self.up, self.away_since = up, None if up else now

    @property
    def by_hls(self) -> bool:
        """Whether it watches by HLS: of others their transport tells that they are there."""
        return bool(self.asked)

    def asked_at(self, now: float) -> None:
        """It asked for something; ``now`` is monotonic."""
        self.asked = now

    def stand(self, way: Way) -> None:
        """The links between it and the bridge are others now."""
        self.way = way

    def follow(self, told: Callable[[], None]) -> None:
        """Its page wants to know what is new."""
        self.told = told

    def leave_alone(self, told: Callable[[], None]) -> None:
        """Its page wants to know no more, unless it asks in another way by now."""
        if self.told == told:
            self.told = None

    def tell(self) -> None:
        if self.told is not None:
            self.told()

    def end(self, why: Why) -> None:
        self.why, self.up = why, False
        self.tell()


@dataclass(slots=True)
class Viewers:
    """All of them, in all conferences."""

    _by_id: dict[str, Viewer] = field(default_factory=dict)
    _peaks: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(list(self._by_id.values()))

    def get(self, ident: str) -> Viewer | None:
        return self._by_id.get(ident)

    def add(self, viewer: Viewer) -> None:
        self._by_id[viewer.id] = viewer

    def remove(self, viewer: Viewer) -> None:
        self._by_id.pop(viewer.id, None)

    def from_address(self, address: str) -> int:
        return sum(viewer.address == address for viewer in self._by_id.values())

    def at(self, place: str) -> list[Viewer]:
        """Those that a worker serves."""
        return [viewer for viewer in self._by_id.values() if viewer.place == place]

    def with_offer(self, offer: str) -> Viewer | None:
        return next((v for v in self._by_id.values() if v.offer == offer), None)

    def watching(self, conference: str) -> dict[str, int]:
        """How many watch a conference, by how they were admitted."""
        found = Counter(v.kind for v in self._by_id.values() if v.up and v.conference == conference)
        return dict(sorted(found.items()))

    def note_peak(self, conference: str) -> None:
        """Remember the most at once."""
        count = sum(self.watching(conference).values())
        self._peaks[conference] = max(self._peaks[conference], count)

    def take_peak(self, conference: str) -> int:
        """The most at once since the last call."""
        return self._peaks.pop(conference, 0)
