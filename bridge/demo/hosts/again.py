"""When pictures were there again after a loss. Pure: times are monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.conference.plan import AUDIO, PROGRAMME


class Again:
    """What points have decoded since ``at``."""

    def __init__(self, points: Iterable[str], at: float) -> None:
        self.points = frozenset(points)
        self.at = at
        self.programme: dict[str, float] = {}
        """By receiver, seconds until its large picture."""
        self.pictures: dict[tuple[str, str], float] = {}
        """By receiver and source, seconds until the small picture."""

    def add(self, told: Mapping[str, Any]) -> None:
        """Take in what a point sees."""
        receiver = told["point"]
        for slot in told["slots"]:
            took = slot["since"] - self.at
            source = slot["point"]
            if took <= 0 or source not in self.points or slot["slot"].startswith(AUDIO):
                continue
            if slot["slot"] == PROGRAMME:
                self.programme.setdefault(receiver, took)
            elif told["stands"].get(slot["slot"]) == source and source != receiver:
                self.pictures.setdefault((receiver, source), took)

    @property
    def all_have_the_programme(self) -> bool:
        """Whether every point has its large picture."""
        return self.programme.keys() == self.points

    @property
    def complete(self) -> bool:
        """Whether every point sees every other one, too."""
        count = len(self.points)
        return self.all_have_the_programme and len(self.pictures) == count * (count - 1)
