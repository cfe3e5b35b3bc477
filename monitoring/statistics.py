"""Percentiles and confidence intervals: the one definition of each, for every package. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The percentile of an ordered, non-empty sequence by nearest rank: the smallest of its
    values that at least ``share`` (0–1) of them do not exceed."""
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def wilson(lost: int, packets: int, z: float = 2.576) -> tuple[float, float]:
    """The interval in which a share of lost packets lies (Wilson 1927); ``z`` 2.576: 99 %."""
    if packets <= 0:
        return 0.0, 1.0
    share = lost / packets
    centre = share + z * z / (2 * packets)
    half = z * math.sqrt(share * (1 - share) / packets + z * z / (4 * packets * packets))
    scale = 1 + z * z / packets
    low = (centre - half) / scale if lost > 0 else 0.0  # exactly, whatever rounding leaves
    high = (centre + half) / scale if lost < packets else 1.0
    return max(0.0, low), min(1.0, high)
