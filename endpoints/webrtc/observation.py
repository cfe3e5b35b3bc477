"""What a receiver saw and heard in each of its slots, and the reports made of it. Pure: times
are arguments, in monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from endpoints.webrtc import test_card


@dataclass(slots=True)
class Observation:
    """What was last seen or heard in one slot. Times are monotonic seconds."""

    number: int = 0  # of the source, out of its card or tone; 0 for none yet
    since: float = 0.0  # when this source was first seen in the slot
    first: float = 0.0  # first picture or sound of any source since the media came up
    latency_ms: float | None = None  # from the drawing of a card to its decoding
    packets: int = 0
    lost: int = 0
    height: int = 0  # of the picture, pixels


class Observations:
    """The observations of all slots of one receiver.

    ``names`` are the points' ids by the numbers in their cards and tones.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._slots: dict[str, Observation] = {}
        self._present_since: dict[str, float] = {}
        self._told: dict[str, str] = {}  # by point, the thumbnail slot that is to show it
        self._connected_at = 0.0

    def connected(self, slots: Iterable[str], at: float) -> None:
        """Begin anew with these slots: a connection for them was asked for at ``at``."""
        self._connected_at = at
        self._slots = {slot: Observation() for slot in slots}

    def presence(self, points: Mapping[str, str], now: float) -> None:
        """Note the presence of each point by its id, as in the bridge's message `state`."""
        for point, presence in points.items():
            if presence == "in_session":
                self._present_since.setdefault(point, now)
            else:
                self._present_since.pop(point, None)

    def told(self, slots: Mapping[str, Mapping[str, Any]]) -> None:
        """Note whose picture each slot is to show, as in the bridge's message `state`."""
        self._told = {shown["stands"]: slot for slot, shown in slots.items() if shown.get("stands")}

    def standing(self) -> dict[str, str]:
        """By thumbnail slot, the point that it is to show."""
        return {slot: point for point, slot in self._told.items()}

    def saw(self, slot: str, card: test_card.Reading, height: int, now: float) -> None:
        """A picture ``height`` pixels high in this slot shows this card."""
        observation = self._source(slot, card.number, now)
        age = card.age(round(now * 1000))
        if age is not None:
            observation.latency_ms = age
        observation.height = height

    def heard(self, slot: str, number: int, now: float) -> None:
        """The sound in this slot is the tone of this number."""
        self._source(slot, number, now)

    def _source(self, slot: str, number: int, now: float) -> Observation:
        observation = self._slots[slot]
        if not observation.first:
            observation.first = now
        if observation.number != number:
            observation.number = number
            observation.since = now
        return observation

    def counted(self, slot: str, packets: int, lost: int) -> None:
        """Note how many packets were received and lost in this slot since the connection came up.
        A slot that is not observed is left out."""
        if slot in self._slots:
            self._slots[slot].packets = packets
            self._slots[slot].lost = lost

    def number(self, slot: str) -> int:
        """The number of the source that was last seen or heard in this slot; 0 for none."""
        return self._slots[slot].number if slot in self._slots else 0

    def number_of(self, point: str) -> int:
        """The number of the source that was last seen in the thumbnail of a point; 0 for none."""
        return self.number(self._told.get(point, ""))

    def reports(self) -> list[dict[str, Any]]:
        """A `SlotReport` of the protocol for each slot in which something was seen or heard."""
        return [self._report(slot, seen) for slot, seen in self._slots.items() if seen.number]

    def _report(self, slot: str, seen: Observation) -> dict[str, Any]:
        point = self._names.get(seen.number, "")
        start = max(self._connected_at, self._present_since.get(point, 0.0))
        return {
            "slot": slot,
            "point": point,
            "since": seen.since,
            "first_frame_ms": max(0.0, (seen.first - start) * 1000),
            "latency_ms": seen.latency_ms,
            "packets": seen.packets,
            "lost": seen.lost,
            "frame_height": seen.height,
        }
