"""How many bit/s a receiver could take, by what it reported. Pure.

The figure is shown in the worker's statistics and nothing else: forwarding does not read it, and
no layer is chosen by it.
"""

from __future__ import annotations

from typing import NamedTuple

UNLIMITED = 0  # bit/s; no estimate yet


class Estimate(NamedTuple):
    """What a receiver reported: REMB in bit/s (0: none), loss 0–1 from transport-cc feedback."""

    remb: int
    loss: float


def allocate(estimate: Estimate) -> int:
    """Return the bit/s a receiver could take; `UNLIMITED` where nothing is known.

    Loss above 10 % takes half of its share off an existing estimate (the loss rule of
    draft-ietf-rmcat-gcc-02 section 6: A(1 - 0.5 p)).
    """
    if estimate.remb <= 0:
        return UNLIMITED
    if estimate.loss > 0.1:
        return int(estimate.remb * (1 - 0.5 * estimate.loss))
    return estimate.remb
