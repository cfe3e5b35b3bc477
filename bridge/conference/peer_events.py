"""Events about other bridges that are points of a conference, and what they make of its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from bridge.conference.model import State
from bridge.conference.other_bridges import FloorThere, Member, PeerSeat
from bridge.conference.stream_events import Struct


class PictureSent(Struct, frozen=True, kw_only=True, tag="picture_sent"):
    """Another bridge is sent the camera of ``shows``; None: the programme."""

    point: str
    shows: str | None


class FloorAskedThere(Struct, frozen=True, kw_only=True, tag="floor_asked_there"):
    """The floor was asked for in the other bridge's conference; ``of`` "": for all of us, None: the
    request was taken back."""

    point: str
    of: str | None


class FloorHeardThere(Struct, frozen=True, kw_only=True, tag="floor_there"):
    """What became of the request there."""

    point: str
    floor: FloorThere


class AskedFromThere(Struct, frozen=True, kw_only=True, tag="asked_from_there"):
    """For whom the other bridge asks for the floor here, in its own words."""

    point: str
    of: str


class MembersNoted(Struct, frozen=True, kw_only=True, tag="members"):
    """Who is in the other bridge's conference: points that came or left, those that are no more,
    and how many there are now."""

    point: str
    members: tuple[Member, ...]
    gone: tuple[str, ...] = ()
    total: int
    present: int


PeerEvent = PictureSent | FloorAskedThere | FloorHeardThere | AskedFromThere | MembersNoted


def _peer(state: State, point: str, **changes: Any) -> State:
    seat = state.peers.get(point, PeerSeat())
    return replace(state, peers={**state.peers, point: replace(seat, **changes)})


def _applied_floor(state: State, event: FloorHeardThere, at: float) -> State:
    """A request that was answered, or is not in the queue there any more, is over."""
    before = state.peers.get(event.point, PeerSeat())
    over = event.floor == "given" or (event.floor == "none" and before.floor != "none")
    asked = None if over else before.asked
    return _peer(state, event.point, floor=event.floor, asked=asked)


PEERS: dict[type, Callable[[State, Any, float], State]] = {
    PictureSent: lambda s, ev, _: _peer(s, ev.point, picture=ev.shows),
    FloorAskedThere: lambda s, ev, _: _peer(s, ev.point, asked=ev.of),
    FloorHeardThere: _applied_floor,
    AskedFromThere: lambda s, ev, _: _peer(s, ev.point, asking=ev.of),
    MembersNoted: lambda s, ev, _: _peer(s, ev.point, members=ev.total, present=ev.present),
}
