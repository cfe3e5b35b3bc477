"""The routing plan: who sees and hears whom, worked out from the state of a conference. Pure: a
plan can be printed and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.conference.model import State

PROGRAMME = "programme"
PREVIEW = "preview"
CONTENT = "content"
THUMBNAIL = "thumb:"  # followed by a number from 1 on
PICTURE = "picture"  # of who has only one: what is shared, or the programme
AUDIO = "audio:"  # followed by a number


@dataclass(frozen=True, slots=True)
class Feed:
    """What a slot shows: a point's ``source`` (camera or content) at its best or at its
    smallest layer. ``user`` instead of a point: an operator's shared screen. ``dark``: its place
    is kept, but its camera is shown to nobody."""

    point: str
    source: str = "camera"
    highest: bool = True
    user: str = ""
    dark: bool = False


@dataclass(frozen=True, slots=True)
class RoutingPlan:
    """Who sees and hears whom. ``programme`` is by receiving point; ``viewer`` is the programme of
    consoles. None: the slot stays empty. ``speakers`` may be heard, the ``floor`` first. ``panes``
    is the place of each point in the order of thumbnails, from 1 on; ``cameras`` are the points
    whose picture may be shown at all. ``film`` is the user whose film is heard by all besides, ""
    for none."""

    programme: dict[str, Feed | None]
    viewer: Feed | None
    preview: Feed | None
    content: Feed | None
    speakers: tuple[str, ...]
    floor: tuple[str, ...]
    panes: Mapping[str, int]
    cameras: frozenset[str]
    film: str = ""


def plan(state: State) -> RoutingPlan:
    """Everybody sees who is on air; who is on air sees the return picture.

    Microphones are closed unless invited (written procedure): heard is only whose seat says
    so, which the worker enforces. A camera that is off is shown to nobody; who it would be is
    told all the same.
    """
    inside = {p for p, seat in state.seats.items() if seat.called or seat.present}
    cameras = frozenset(p for p in inside if not state.seats[p].camera_off)

    def feed(point: str | None) -> Feed | None:
        return Feed(point, dark=point not in cameras) if point is not None else None

    on_air = feed(state.on_air)
    programme = {
        point: feed(_return_picture(state)) if point == state.on_air else on_air
        for point in state.points
        if point in inside
    }
    for point, seat in state.peers.items():
        if point in programme and seat.picture is not None:
            programme[point] = feed(seat.picture)
    first = state.floor.point if state.floor is not None else state.on_air
    speakers = [p for p in state.points if state.seats[p].heard and p in inside]
    speakers.sort(key=lambda p: p != first)
    return RoutingPlan(
        programme=programme,
        viewer=on_air,
        preview=feed(state.preview),
        content=_content(state),
        speakers=tuple(speakers),
        floor=(first,) if first in speakers else (),
        panes={point: place for place, point in enumerate(panes(state), 1)},
        cameras=cameras,
        film=_film(state),
    )


def _content(state: State) -> Feed | None:
    if state.content is None:
        return None
    kind, _, name = state.content.partition(":")
    return Feed(name, "content") if kind == "point" else Feed("", "content", user=name)


def _film(state: State) -> str:
    kind, _, name = (state.content or "").partition(":")
    return name if kind == "user" and state.content_sound else ""


def _return_picture(state: State) -> str | None:
    """What the point on air sees: what was set, else the chair; the chair on air sees who was
    before it, else the first that is there."""
    if state.return_picture is not None and state.return_picture != state.on_air:
        return state.return_picture
    if state.on_air != state.chair:
        return state.chair
    if state.previous is not None and state.seats[state.previous].present:
        return state.previous
    others = [p for p in state.points if p != state.on_air and p not in state.booking.observers]
    return next((p for p in others if state.seats[p].present), others[0] if others else None)


def panes(state: State) -> tuple[str, ...]:
    """Points in the order of the thumbnail panes: fixed ones in their pane, then by rank."""
    fixed = {pane: point for pane, point in state.pins.items() if point in state.seats}
    ranked = [p for p in state.ranking if p in state.seats]
    rest = [*ranked, *(p for p in state.points if p not in ranked)]
    rest = [p for p in rest if p not in fixed.values()]
    order: list[str] = []
    pane = 1
    while rest or any(n >= pane for n in fixed):
        if pane in fixed:
            order.append(fixed[pane])
        elif rest:
            order.append(rest.pop(0))
        pane += 1
    return tuple(order)


def slot_names(
    receiver: str | None, thumbnails: int, audio_slots: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the video and of the audio slots of a receiver, in the order in which its
    offer's receiving lines are mapped to them. ``receiver`` None is a console: it gets the
    preview, too."""
    numbered = tuple(f"{THUMBNAIL}{number + 1}" for number in range(thumbnails))
    audio = tuple(f"{AUDIO}{number}" for number in range(audio_slots))
    preview = (PREVIEW,) if receiver is None else ()
    return (PROGRAMME, *preview, *numbered, CONTENT), audio


def feed_of(
    plan_: RoutingPlan, receiver: str | None, slot: str, stands: Mapping[str, str]
) -> Feed | None:
    """What the plan puts into a video slot; None for slots that it does not fill. ``stands`` are
    the points in thumbnail slots (`bridge.conference.thumbnails`). A point that is not called in
    gets nothing."""
    if receiver is not None and receiver not in plan_.programme:
        return None
    if slot == PROGRAMME:
        return plan_.viewer if receiver is None else plan_.programme[receiver]
    if slot == PREVIEW:
        return plan_.preview
    if slot == PICTURE:
        return plan_.content or plan_.viewer
    if slot == CONTENT:
        content = plan_.content
        return content if content is not None and content.point != receiver else None
    point = stands.get(slot)
    return Feed(point, highest=False) if point in plan_.cameras and point is not None else None
