"""Which layer each slot of a receiver gets, out of what its line carries. Three phases:

1. **Sound**: what the voices take is set aside, whatever is left.
2. **Ground**: the slots of the first two classes of importance (the programme, shared content)
   get their lowest step each, in order.
3. **Raise**: every slot in order of importance takes the highest step that what is left allows;
   one that has nothing yet and finds no room is paused, if it may be.

The table in docs/architecture.md shows the same. Rates are bit/s with all headers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

GROUND = 1  # highest importance whose lowest step comes before anybody is raised
KEEPS = 0.9  # of its rate: what a step that is shown must fit with
RISES = 1.1  # times its rate: what a higher step must fit with


class Step(NamedTuple):
    """A way to show a source: a layer by rid, up to a temporal layer (-1: all of them)."""

    rid: str
    temporal: int
    bitrate: float
    height: int = 0
    frame_rate: float = 0.0


class Demand(NamedTuple):
    """What a slot would like: ``steps`` from the lowest up, as far as they make sense."""

    slot: str
    importance: int
    may_pause: bool
    steps: tuple[Step, ...]


class Allocation(NamedTuple):
    """A step per slot, None for paused; ``used`` with the sound, ``wanted`` if all had room."""

    steps: dict[str, Step | None]
    used: float
    wanted: float


def allocate(
    demands: Sequence[Demand],
    *,
    budget: float,
    sound: float,
    shown: Mapping[str, Step | None],
    rises: int = 1_000_000,
) -> Allocation:
    """Fit ``demands`` into ``budget`` bit/s (0: no limit). ``shown`` is what slots have now:
    they keep it more easily than they get more, and at most ``rises`` of them get more.
    Slots that may not pause have their lowest step
    even where it does not fit."""
    order = sorted((d for d in demands if d.steps), key=lambda demand: demand.importance)
    wanted = sound + sum(demand.steps[-1].bitrate for demand in order)
    if budget <= 0:
        return Allocation({d.slot: d.steps[-1] for d in order}, wanted, wanted)
    left = budget - sound
    chosen: dict[str, Step | None] = {}
    for demand in order:
        if demand.importance <= GROUND or not demand.may_pause:
            step = demand.steps[0]
            if not demand.may_pause or _cost(step, shown.get(demand.slot)) <= left:
                chosen[demand.slot] = step
                left -= step.bitrate
    for demand in order:
        has = chosen.get(demand.slot)
        room = left + (has.bitrate if has is not None else 0.0)
        best = has
        before = shown.get(demand.slot)
        for step in demand.steps:
            more = best is None or step.bitrate > best.bitrate
            if more and (rises > 0 or _kept(step, before)) and _cost(step, before) <= room:
                best = step
        if best is not None and not _kept(best, before):
            rises -= 1
        chosen[demand.slot] = best
        left = room - (best.bitrate if best is not None else 0.0)
    return Allocation(chosen, budget - left, wanted)


def _kept(step: Step, shown: Step | None) -> bool:
    """Whether a step is what is shown, or less."""
    return shown is not None and (step[:2] == shown[:2] or step.bitrate <= shown.bitrate)


def _cost(step: Step, shown: Step | None) -> float:
    """What a step must find room for, seen from what is shown."""
    return step.bitrate * (KEEPS if _kept(step, shown) else RISES)


# Frames per second below which a higher layer is worse than a lower one: ten, as they are measured.
MIN_RATE = 9.0
# The same for layers above the second one: 360 lines that move are better than 720 that do not, and
# the key frame of so large a picture alone fills a thin line for a second.
MIN_RATE_HIGH = 14.0


def hunger(demands: Sequence[Demand], result: Allocation) -> float:
    """bit/s that the next step of the first slot of the ground would take in all, where that has
    nothing, or a lowest layer that hardly moves; 0 where none is so poor."""
    for demand in demands:
        step = result.steps.get(demand.slot)
        if demand.importance > GROUND:
            continue
        if step is None:
            return result.used + demand.steps[0].bitrate
        if step.rid == demand.steps[0].rid and step.frame_rate < MIN_RATE:
            better = (s.bitrate for s in demand.steps if s.bitrate > step.bitrate)
            return result.used - step.bitrate + next(better, step.bitrate)
    return 0.0


def steps_of(layers: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """The steps of a source from its layers, lowest first, each with its temporal steps: those of
    the lowest layer all, of higher layers only such as move well enough."""
    steps: list[Step] = []
    for number, layer in enumerate(layers):
        least = MIN_RATE if number == 1 else MIN_RATE_HIGH
        for step in layer:
            whole = step is layer[-1]
            if number == 0 or whole or step.frame_rate >= least:
                steps.append(step)
    return tuple(steps)
