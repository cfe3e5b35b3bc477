"""Who is heard: the floor first, then by loudness, without flutter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

AUDIBLE = 60  # -dBov; quieter than this a source does not compete for a slot
HYSTERESIS = 6  # dB by which a challenger must be louder than who is heard now
SMOOTHING = 0.2  # weight of a new packet's level when it is louder
RELEASE = 0.03  # weight when it is quieter: a pause between words keeps the slot

K = TypeVar("K")


def smooth(level: float, sample: int) -> float:
    """Follow a level (-dBov, RFC 6464): rises fast, falls slowly."""
    weight = SMOOTHING if sample < level else RELEASE
    return level + (sample - level) * weight


def select(
    *,
    levels: Mapping[K, float],
    floor: Sequence[K],
    heard: Sequence[K],
    slots: int,
    own: int = 1,
) -> list[K]:
    """Return at most ``slots`` + ``own`` sources to be heard, the most important first.

    More than there are slots, because nobody hears himself: ``own`` is how many sources a receiver
    may have, one in a room, several behind another bridge. ``levels`` holds the sources
    allowed to speak (-dBov, lower is louder); the ``floor`` comes first whatever its level;
    sources ``heard`` now keep their place unless a challenger is `HYSTERESIS` louder.
    """
    limit = slots + own
    chosen = [key for key in floor if key in levels][:limit]
    held = set(heard)

    def loudness(key: K) -> float:
        return levels[key] - (HYSTERESIS if key in held else 0)

    others = [
        key for key in levels if key not in chosen and (levels[key] <= AUDIBLE or key in held)
    ]
    others.sort(key=loudness)
    return (chosen + others)[:limit]


def assign(current: Sequence[K | None], wanted: Sequence[K], own: K | None) -> list[K | None]:
    """Place ``wanted`` sources into slots: who is in a slot stays in it, ``own`` is left out.

    ``current`` is what each slot carries now; the result has the same length.
    """
    count = len(current)
    keep = [key for key in wanted if key != own][:count]
    result: list[K | None] = [key if key in keep else None for key in current]
    waiting = [key for key in keep if key not in result]
    for index, key in enumerate(result):
        if key is None and waiting:
            result[index] = waiting.pop(0)
    return result
