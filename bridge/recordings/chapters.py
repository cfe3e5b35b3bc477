"""What stands in a recording beside sound and picture, worked out of its conference's log. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.conference import events as e


def chapters(
    log: Sequence[e.Recorded], name: Callable[[str], str]
) -> tuple[tuple[float, str], ...]:
    """Who was on air and who had the floor: UTC seconds and titles. ``name`` is what points are
    called."""
    found: list[tuple[float, str]] = []
    for item in log:
        match item.event:
            case e.Opened(booking=booking):
                found.append((item.at, name(booking.chair)))
            case e.Started():
                found.append((item.at, "Khai mạc"))
            case e.FloorGranted(point=point):
                found.append((item.at, f"Phát biểu: {name(point)}"))
            case e.Taken(point=point):
                found.append((item.at, name(point)))
            case e.RollCallStarted():
                found.append((item.at, "Điểm danh"))
            case e.ContentStarted():
                found.append((item.at, "Chia sẻ màn hình"))
            case _:
                pass
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
