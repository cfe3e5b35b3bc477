"""From the state to who sees and hears whom. Pure: a plan can be printed and compared."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.conference.model import PointId, State

PROGRAMME = "programme"
CONTENT = "content"
THUMBNAIL = "thumb:"  # followed by the point
AUDIO = "audio:"  # followed by a number


@dataclass(frozen=True, slots=True)
class Feed:
    """What a slot shows: a point's ``source`` (camera or content) at its best or at its
    smallest layer."""

    point: PointId
    source: str = "camera"
    highest: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """``programme`` per receiving point; ``viewer`` is the programme of those who only
    watch. ``speakers`` may be heard, the ``floor`` first."""

    programme: dict[PointId, Feed]
    viewer: Feed
    content: Feed
    speakers: tuple[PointId, ...]
    floor: tuple[PointId, ...]


def plan(state: State) -> Plan:
    """Everybody sees who is on air; who is on air sees the chair (the return picture).

    Microphones are closed unless invited (written procedure): heard are the point on air,
    which has the floor, and the chair.
    """
    on_air = Feed(state.on_air)
    programme = {
        point: Feed(_return_picture(state)) if point == state.on_air else on_air
        for point in state.points
    }
    floor = (state.on_air,)
    speakers = floor if state.on_air == state.chair else (state.on_air, state.chair)
    return Plan(programme, on_air, Feed(state.on_air, "content"), speakers, floor)


def _return_picture(state: State) -> PointId:
    if state.on_air != state.chair:
        return state.chair
    if state.previous is not None and state.previous in state.present:
        return state.previous
    others = [p for p in state.points if p != state.on_air and p not in state.observers]
    # With nobody else the chair is shown itself: there is nothing better to show.
    return next((p for p in others if p in state.present), others[0] if others else state.chair)


def slot_names(
    points: tuple[PointId, ...], receiver: PointId | None, audio_slots: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the video and of the audio slots of a receiver, in the order in which its
    offer's receiving lines are mapped to them. ``receiver`` None only watches: it gets a
    thumbnail of every point."""
    thumbnails = tuple(THUMBNAIL + point for point in points if point != receiver)
    audio = tuple(f"{AUDIO}{number}" for number in range(audio_slots))
    return (PROGRAMME, *thumbnails, CONTENT), audio


def feed_of(plan_: Plan, receiver: PointId | None, slot: str) -> Feed | None:
    """What the plan puts into a video slot; None for slots that it does not fill."""
    if slot == PROGRAMME:
        return plan_.viewer if receiver is None else plan_.programme[receiver]
    if slot == CONTENT:
        return plan_.content if plan_.content.point != receiver else None
    if slot.startswith(THUMBNAIL):
        return Feed(PointId(slot.removeprefix(THUMBNAIL)), highest=False)
    return None
