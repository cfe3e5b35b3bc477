"""Leaving out temporal layers of VP8 (RFC 7741) so that the receiver sees no gap: sequence numbers
and picture ids of what is sent go on without a hole.

**No number is given twice.** Every packet of the source above the start either gets the next number
or none. Numbers of packets that are missing when a later one comes are set aside for them, one
each; a packet that comes late takes its own and no other. So numbers map one to one, as the rule
for AES-GCM asks (`bridge.media.slot`); `tests/media/test_slot.py` searches for a counter-example.
"""

from __future__ import annotations

from typing import NamedTuple

from bridge.media import vp8
from bridge.media.rtp import unwrap

REMEMBERED = 1024  # packets whose numbers are known for retransmission, as many as a ring holds
FRAMES = 64  # frames whose fate is remembered for packets that come late
ALL = 3  # the highest TID: nothing is left out


class Placed(NamedTuple):
    """What a packet is sent as: its index, and what to subtract from its picture id. ``empty``:
    only its number is sent, because the frame it belongs to is left out."""

    number: int
    frames_less: int
    empty: bool = False


class Thinning:
    """The packets of one run of a slot. ``level`` is the highest temporal layer sent now,
    ``target`` the one wanted; ``next_index`` the number after the last one given."""

    __slots__ = (
        "_dropped",
        "_frames",
        "_highest",
        "_offset",
        "_placed",
        "_reserved",
        "_start",
        "_top",
        "_top_picture",
        "level",
        "next_index",
        "target",
    )

    def __init__(self, *, top: int, offset: int, target: int) -> None:
        """Begin above the source's index ``top``; up to it, numbers are index + ``offset``."""
        self._start = self._top = top
        self._offset = offset
        self.next_index = top + offset + 1
        self.level = ALL
        self.target = target
        self._dropped = 0
        self._highest = 0  # temporal layer seen
        self._top_picture = -1
        self._reserved: dict[int, int] = {}
        self._placed: dict[int, tuple[int, int]] = {}  # index sent → (of the source, frames less)
        self._frames: dict[int, tuple[bool, int]] = {}  # picture → (kept, frames less)

    @property
    def frames_less(self) -> int:
        """Frames left out so far."""
        return self._dropped

    @property
    def open(self) -> bool:
        """Whether nothing is left out any more."""
        return self.target >= ALL and self.level >= self._highest

    def take(self, index: int, payload: bytes, *, key_frame: bool = False) -> Placed | None:
        """What becomes of the source's packet ``index``; None: it is left out."""
        if index <= self._start:
            return Placed(index + self._offset, 0)
        if index <= self._top:
            number = self._reserved.pop(index, None)
            if number is None:
                return None
            kept, less = self._late(payload)
            return self._place(index, number, less, empty=not kept)
        reserved = self._reserved
        for missing in range(max(self._top + 1, index - REMEMBERED), index):
            reserved[missing] = self.next_index
            self.next_index += 1
        if len(reserved) > REMEMBERED:
            for old in list(reserved)[: len(reserved) - REMEMBERED]:
                del reserved[old]
        self._top = index
        kept, less = self._frame(payload, key_frame=key_frame)
        if not kept:
            return None
        number = self.next_index
        self.next_index = number + 1
        return self._place(index, number, less)

    def find(self, number: int) -> tuple[int, int] | None:
        """The source's index and the frames less of what was sent under ``number``."""
        if number <= self._start + self._offset:
            return number - self._offset, 0
        return self._placed.get(number)

    def _place(self, index: int, number: int, less: int, *, empty: bool = False) -> Placed:
        if not empty:
            self._placed[number] = (index, less)
            if len(self._placed) > 2 * REMEMBERED:
                for old in list(self._placed)[:REMEMBERED]:
                    del self._placed[old]
        return Placed(number, less, empty)

    def _late(self, payload: bytes) -> tuple[bool, int]:
        picture = vp8.numbers(payload).picture_id
        if picture < 0 or self._top_picture < 0:
            return True, self._dropped
        return self._frames.get(unwrap(picture, self._top_picture, 15), (False, 0))

    def _frame(self, payload: bytes, *, key_frame: bool) -> tuple[bool, int]:
        """Whether the frame of a new packet is sent, decided at its first packet."""
        numbers = vp8.numbers(payload)
        if numbers.picture_id < 0 or not numbers.wide:
            return True, self._dropped
        frames = self._frames
        top = self._top_picture
        picture = numbers.picture_id + 0x8000 if top < 0 else unwrap(numbers.picture_id, top, 15)
        known = frames.get(picture)
        if known is not None:
            return known
        if 0 <= top < picture:
            for missing in range(max(top + 1, picture - FRAMES), picture):
                frames[missing] = (True, self._dropped)
        elif top >= 0:  # older than anything remembered, in a packet that is new
            return True, self._dropped
        self._top_picture = picture
        kept = self._wanted(vp8.temporal(payload), key_frame=key_frame)
        frames[picture] = (kept, self._dropped)
        if not kept:
            self._dropped += 1
        while len(frames) > 2 * FRAMES:
            del frames[next(iter(frames))]
        return frames[picture]

    def _wanted(self, temporal: vp8.Temporal, *, key_frame: bool) -> bool:
        self.level = min(self.level, self.target)
        self._highest = max(self._highest, temporal.layer)
        if key_frame or temporal.layer < 0:
            self.level = self.target
            return True
        if temporal.layer <= self.level:
            return True
        # Higher again only where the frame depends on nothing that was left out.
        if temporal.layer <= self.target and temporal.sync:
            self.level = temporal.layer
            return True
        return False
