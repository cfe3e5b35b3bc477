"""Microphones that send nothing but digital silence: switched off at the microphone, or muted in
the computer, while everything else works. Pure."""

from __future__ import annotations

from collections.abc import Mapping

SILENT = 120  # -dBov; the quietest room with a microphone that works is louder
SILENT_FOR = 3.0  # seconds; a level follows its voice within two (`bridge.media.speakers`)


class Voices:
    """Since when each point has been silent."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._silent: frozenset[str] = frozenset()

    def take(self, levels: Mapping[str, int], now: float) -> bool:
        """Take levels in (-dBov by point, those that arrive only); ``now`` in seconds. Returns
        whether others are silent than before."""
        self._since = {
            point: self._since.get(point, now) for point, level in levels.items() if level >= SILENT
        }
        silent = frozenset(p for p, since in self._since.items() if now - since >= SILENT_FOR)
        changed, self._silent = silent != self._silent, silent
        return changed

    def silent(self, point: str) -> bool:
        """Whether a point has sent silence alone for `SILENT_FOR` seconds."""
        return point in self._silent
