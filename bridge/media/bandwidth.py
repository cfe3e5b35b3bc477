"""What a receiver may be sent. Pure; the policy is trivial for now: it grants what is known.

A later policy will choose layers from this; forwarding asks only this function.
"""

from __future__ import annotations

from typing import NamedTuple

UNLIMITED = 0  # bit/s; no estimate yet, nothing is held back


class Estimate(NamedTuple):
    """What a receiver told: REMB in bit/s (0: none), loss 0–1 from transport-cc feedback."""

    remb: int
    loss: float


def allocate(estimate: Estimate) -> int:
    """Return the bit/s a receiver is granted; `UNLIMITED` where nothing is known.

    Loss above 10 % takes half of its share off an existing estimate (the loss rule of
    draft-ietf-rmcat-gcc-02 section 6: A(1 - 0.5 p)).
    """
    if estimate.remb <= 0:
        return UNLIMITED
    if estimate.loss > 0.1:
        return int(estimate.remb * (1 - 0.5 * estimate.loss))
    return estimate.remb
