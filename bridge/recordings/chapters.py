"""What stands in a recording beside sound and picture, worked out of its conference's log. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.base.i18n import text
from bridge.conference import events as e
from bridge.programme.jobs import Timed

Name = Callable[[str], str]


def chapters(log: Sequence[e.Recorded], name: Name, language: str) -> Timed:
    """Items of the agenda, who was on air and who had the floor: UTC seconds and titles. ``name``
    is what points are called in ``language`` ("vi" or "en")."""
    found: list[tuple[float, str]] = []
    began = -1.0  # when an item began: who comes on air with it is no chapter beside it

    def say(at: float, key: str, point: str = "") -> None:
        found.append((at, text(language, f"recordings.chapter_{key}", point=name(point))))

    for item in log:
        match item.event:
            case e.Opened(booking=booking):
                found.append((item.at, name(booking.chair)))
            case e.Started():
                say(item.at, "started")
            case e.ItemBegun(title=title):
                began = item.at
                found.append((item.at, title))
            case e.FloorGranted(point=point) if item.at != began:
                say(item.at, "floor", point)
            case e.Taken(point=point) if item.at != began:
                found.append((item.at, name(point)))
            case e.RollCallStarted():
                say(item.at, "roll_call")
            case e.ContentStarted():
                say(item.at, "content")
            case _:
                pass
    return tuple(found)


def speakers(log: Sequence[e.Recorded], name: Name, language: str) -> Timed:
    """Who speaks, as a text that holds until the next one: who has the floor, and else who is on
    air. Times are UTC seconds."""
    found: list[tuple[float, str]] = []
    chair = on_air = floor = ""
    for item in log:
        match item.event:
            case e.Opened(booking=booking):
                chair = on_air = booking.chair
            case e.Started():
                on_air, floor = chair, ""
            case e.Taken(point=point):
                on_air = point
            case e.FloorGranted(point=point):
                on_air = floor = point
            case e.FloorEnded():
                floor = ""
            case _:
                continue
        said = name(on_air)
        if floor:
            said = text(language, "recordings.chapter_floor", point=name(floor))
        if not found or found[-1][1] != said:
            found.append((item.at, said))
    return tuple(found)


def wanted_seconds(log: Sequence[e.Recorded], number: int) -> float:
    """How long a recording was to be, by when it was asked for, paused and stopped."""
    seconds = 0.0
    since: float | None = None
    for item in log:
        event = item.event
        if isinstance(event, e.RecordingSet) and event.number == number:
            if since is not None:
                seconds += item.at - since
            since = item.at if event.wish == "on" else None
    if since is not None and log:
        seconds += log[-1].at - since
    return max(0.0, seconds)
