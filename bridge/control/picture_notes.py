"""Notes for the conference's log which picture of the programme each room is sent. No clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME
from bridge.media import messages as m

STAYS = 10.0  # seconds that a picture must be the same until it is noted
APART = 30.0  # seconds between two notes of a point: a line that goes up and down all the time
SOUND, SHOWN, NONE = "sound", "shown", "none"


def picture_of(rate: m.TransportRate | None) -> str:
    """What a point is sent as its programme: "sound" where its line carries no picture, "none"
    where there is none to be sent, else its lines, or "shown" where these are not known. Pure."""
    slots = rate.slots if rate is not None else ()
    slot = next((slot for slot in slots if slot.name == PROGRAMME), None)
    if slot is None or slot.source is None:
        return NONE
    if slot.paused:
        return SOUND
    if slot.height:
        return str(slot.height)
    return SHOWN if slot.bitrate else NONE


class PictureNotes:
    """Says what is worth a line of a log: a picture that stays, where it is another than noted
    before."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], tuple[str, float]] = {}
        self._seen: dict[tuple[str, str], tuple[str, float]] = {}

    def step(
        self, running: Iterable[State], pictures: Mapping[str, str], now: float
    ) -> list[tuple[str, str, str]]:
        """Conference, point and picture of what is to be noted. ``pictures`` are by point, ``now``
        is monotonic."""
        found: list[tuple[str, str, str]] = []
        here: set[tuple[str, str]] = set()
        for state in running:
            for point in state.present:
                key = (state.booking.id, point)
                here.add(key)
                picture = pictures.get(point, NONE)
                if self._seen.get(key, ("", 0.0))[0] != picture:
                    self._seen[key] = (picture, now)
                noted, at = self._noted.get(key, ("", float("-inf")))
                stays = now - self._seen[key][1] >= STAYS
                if picture != noted and stays and now - at >= APART:
                    self._noted[key] = (picture, now)
                    found.append((*key, picture))
        for old in [*self._noted, *self._seen]:
            if old not in here:
                self._noted.pop(old, None)
                self._seen.pop(old, None)
        return found
