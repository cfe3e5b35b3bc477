"""When a point changes over from media that play to those that it has made beside them: as soon as
everything that flows comes by them, too. Pure; the pages' counterpart is
bridge/web/common/changeover.js."""

from __future__ import annotations

from collections.abc import Mapping

RECENT = 5  # looks within which something came that flows
LEAST = 3  # looks until it is known what flows


class Changeover:
    """What is seen of both, look by look: packets so far, by slot."""

    def __init__(self) -> None:
        self._looks = 0
        self._counts: dict[str, int] = {}
        self._grew: dict[str, int] = {}  # the look at which a slot's count has grown last

    def look(self, now: Mapping[str, int], beside: Mapping[str, int]) -> bool:
        """Whether all that flows comes by the media beside."""
        self._looks += 1
        for slot, count in now.items():
            if count > self._counts.get(slot, count):
                self._grew[slot] = self._looks
        self._counts = dict(now)
        if self._looks < LEAST:
            return False
        flows = [slot for slot, look in self._grew.items() if self._looks - look < RECENT]
        return all(beside.get(slot, 0) > 0 for slot in flows)
