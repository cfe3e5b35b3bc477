"""Builds the status message for another bridge, and interprets the one it sends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bridge.conference import peer_commands as p
from bridge.conference.model import Seat, State
from bridge.conference.other_bridges import MAX_MEMBER_NAME, FloorThere, Member, PeerSeat
from bridge.conference.plan import CONTENT, RoutingPlan, feed_of, plan
from bridge.control.peers.rules.peer_wire import Problem, Stands, ToldMember
from config.peers_schema import Peer
from config.schema import Name

_UNTITLED = "—"


class Around(NamedTuple):
    """What stands around a conference: whether media could be there, what is, who is passed
    through, why it is not wanted, and whether media is to come to another worker."""

    ready: bool
    link: str
    passes: tuple[str, ...]
    problem: Problem = ""
    moves: bool = False


def seat_of(peer: Peer, state: State | None) -> Seat | None:
    """The seat of a peer in a conference that it may be in; None where there is none."""
    if state is None or peer.point not in state.booking.bridges:
        return None
    if not peer.may_join(state.booking.template):
        return None
    return state.seats.get(peer.point)


def stands(peer: Peer, state: State | None, names: Mapping[str, Name], around: Around) -> Stands:
    """How it stands here. Attendance goes up only."""
    seat = seat_of(peer, state)
    if seat is None or state is None:
        return Stands(ready=around.ready)
    own = state.peers.get(peer.point, PeerSeat())
    planned = plan(state)
    content = feed_of(planned, peer.point, CONTENT, {})
    return Stands(
        conference=state.booking.id,
        vi=state.booking.title.vi,
        en=state.booking.title.en,
        wants=seat.called and not around.problem,
        ready=around.ready,
        link=around.link,
        moves=around.moves,
        asks=own.asked is not None,
        asking_for=_name(names.get(own.asked or ""), own.asked or "").vi if own.asked else "",
        floor=floor_of(peer.point, state),
        large=_shown_large(peer.point, planned),
        shares=content is not None,
        passes=around.passes,
        members=_members(peer, state, names) if peer.side == "above" else (),
        problem=around.problem if seat.called else "",
    )


def _shown_large(point: str, planned: RoutingPlan) -> bool:
    """Whether anybody is shown a point's picture large, or is about to be."""
    large = (*planned.programme.values(), planned.viewer, planned.preview)
    return any(feed is not None and feed.point == point for feed in large)


def floor_of(point: str, state: State) -> FloorThere:
    """What became of a point's request."""
    if state.floor is not None and state.floor.point == point:
        return "given"
    return "queued" if any(r.point == point for r in state.queue) else "none"


def _members(peer: Peer, state: State, names: Mapping[str, Name]) -> tuple[ToldMember, ...]:
    found = []
    for point, seat in state.seats.items():
        if point != peer.point:
            name = _name(names.get(point), point)
            found.append(ToldMember(id=point, vi=name.vi, en=name.en, present=seat.present))
    return tuple(found)


class _Both(NamedTuple):
    vi: str
    en: str


def _name(name: Name | None, ident: str) -> _Both:
    if name is None:
        return _Both(ident or _UNTITLED, ident or _UNTITLED)
    return _Both(name.vi[:MAX_MEMBER_NAME], (name.en or name.vi)[:MAX_MEMBER_NAME])


def changes(
    point: str, before: Mapping[str, ToldMember], told: Sequence[ToldMember]
) -> p.NoteMembers | None:
    """What is to be noted of attendance; None where nothing changed. Of an id that is told twice
    the last counts."""
    after = {member.id: member for member in told}
    changed = tuple(
        Member(id=member.id, vi=member.vi, en=member.en, present=member.present)
        for member in after.values()
        if before.get(member.id) != member
    )
    gone = tuple(ident for ident in before if ident not in after)
    if not changed and not gone:
        return None
    return p.NoteMembers(
        point=point,
        members=changed,
        gone=gone,
        total=len(after),
        present=sum(member.present for member in after.values()),
    )
