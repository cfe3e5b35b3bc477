"""Whether every take of a conference is in its recording, and at the right time. Pure: times are
UTC seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bridge.conference import events as e

EARLY = 0.5  # seconds that a picture may seem older than its take: clocks of sender reports
LATE = 2.0  # seconds after the next take in which a picture that came late may still begin
SHORTEST = 1.0  # seconds on air for which picture and sound are expected
APART = 2.0  # seconds by which half of the pictures may be off


class Take(NamedTuple):
    """A point that is on air in a recording. ``last``: nothing is written after it, so a picture
    that comes late is not in it."""

    point: str
    start: float
    end: float
    last: bool = False

    @property
    def expected(self) -> bool:
        """Whether it is long enough to be seen and heard on a busy machine, too."""
        return self.end - self.start >= (LATE if self.last else SHORTEST)


class Seen(NamedTuple):
    """A test card in a recording: whose it is, when it is shown, and how long before that it was
    drawn (seconds; None where the card has no time)."""

    point: str
    at: float
    age: float | None = None


class Heard(NamedTuple):
    """The tones in a moment of a recording: whose they are."""

    points: frozenset[str]
    at: float


class Verdict(NamedTuple):
    """What was found of the ``takes`` that are long enough. ``pictures`` and ``sounds`` are those
    that are there with the seconds from the take to them, shorter ones among them; ``unseen`` and
    ``unheard`` are not, and ``strange`` are pictures of whom nobody had taken."""

    takes: tuple[Take, ...]
    pictures: dict[Take, float]
    sounds: dict[Take, float]
    strange: tuple[Seen, ...]
    ages: tuple[float, ...]

    @property
    def unseen(self) -> list[Take]:
        return [take for take in self.takes if not _found(take, self.pictures)]

    @property
    def unheard(self) -> list[Take]:
        return [take for take in self.takes if not _found(take, self.sounds)]

    @property
    def on_time(self) -> bool:
        """Whether most takes are where they were made, and most pictures where they were drawn."""
        return all(
            not offs or sorted(map(abs, offs))[len(offs) // 2] <= APART
            for offs in (self.ages, tuple(self.pictures.values()))
        )

    @property
    def ok(self) -> bool:
        """Whether all of it is in the recording."""
        missing = self.unseen or self.unheard or self.strange
        return bool(self.takes) and not missing and self.on_time


def takes(log: Sequence[e.Recorded], parts: Iterable[e.RecordingPart]) -> list[Take]:
    """Who was on air while the parts of a recording were written."""
    on_air: list[tuple[float, str]] = []
    chair = ""
    for item in log:
        match item.event:
            case e.Opened(booking=booking):
                chair = booking.chair
                on_air.append((item.at, chair))
            case e.Started():
                on_air.append((item.at, chair))
            case e.Taken(point=point) | e.FloorGranted(point=point) if point != on_air[-1][1]:
                on_air.append((item.at, point))
            case _:
                pass
    ends = [*(at for at, _ in on_air[1:]), float("inf")]
    found: list[Take] = []
    for part in parts:
        until = part.at + part.seconds
        for (start, point), end in zip(on_air, ends, strict=True):
            take = Take(point, max(start, part.at), min(end, until), end >= until)
            if take.end > take.start:
                found.append(take)
    return found


def judge(made: Sequence[Take], seen: Iterable[Seen], heard: Iterable[Heard]) -> Verdict:
    """Compare takes with what is in the file, in the order in which it is there."""
    pictures: dict[Take, float] = {}
    strange: list[Seen] = []
    ages: list[float] = []
    place, shown = 0, ""  # of the take whose picture is shown
    for card in seen:
        if card.age is not None:
            ages.append(card.age)
        same = card.point == shown
        if same and (not made or card.at <= made[place].end):
            continue
        shown = card.point
        found = next((n for n in range(place + same, len(made)) if _is(made[n], card)), -1)
        if found >= 0:
            place = found
            pictures[made[found]] = round(card.at - made[found].start, 3)
        elif not same and not any(
            take.point == card.point and take.start <= card.at for take in made
        ):
            strange.append(card)  # one that only comes late is among the unseen
    sounds: dict[Take, float] = {}
    for tones in heard:
        for take in made:
            if take.point in tones.points and take.start - EARLY <= tones.at <= take.end:
                sounds.setdefault(take, round(tones.at - take.start, 3))
    expected = tuple(take for take in made if take.expected)
    return Verdict(expected, pictures, sounds, tuple(strange), tuple(ages))


def _found(take: Take, there: Mapping[Take, float]) -> bool:
    """Whether a take is there, or was made again (where the machine was too slow for it to be seen
    in the rooms) and is there then."""
    return take in there or any(
        other.point == take.point and other.start > take.start for other in there
    )


def _is(take: Take, card: Seen) -> bool:
    return take.point == card.point and take.start - EARLY <= card.at <= take.end + LATE
