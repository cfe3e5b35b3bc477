"""Events change the state of a conference: `apply` by one event, `replay` by a whole log. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

from msgspec.structs import replace

from bridge.conference import events as e
from bridge.conference.agenda_state import AGENDA
from bridge.conference.desk_call import stepped
from bridge.conference.desk_call_state import DESK_CALL, begun, settled
from bridge.conference.model import (
    MAX_SPOKE,
    Booking,
    Floor,
    Request,
    RollCall,
    Seat,
    State,
)
from bridge.conference.peer_events import PEERS
from bridge.conference.person_events import (
    AttendanceNoted,
    PersonEvent,
    PersonsForgotten,
    PersonsListed,
    PersonsUnlisted,
    RegistrationSet,
    persons_after,
)
from bridge.conference.vote_events import VoteEvent, votes_after


def opened(booking: Booking, at: float) -> State:
    """The state after `Opened`. Raises ValueError where the booking contradicts itself."""
    if booking.chair not in booking.points or booking.chair in booking.observers:
        raise ValueError(f"the chair {booking.chair!r} is not one of the points that send")
    if len(set(booking.points)) != len(booking.points):
        raise ValueError("a point is named twice")
    seats = {
        point: Seat(
            connect=booking.connect.get(point, "automatic"),
            microphone=(not booking.rules.all_muted or point == booking.chair)
            and point not in booking.observers,
        )
        for point in booking.points
    }
    return State(
        booking=booking,
        seq=1,
        opened_at=at,
        end=booking.end,
        seats=seats,
        on_air=booking.chair,
        layout=booking.layout,
        audience=booking.rules.audience,
        agenda=booking.agenda,
        items_numbered=max((item.number for item in booking.agenda), default=0),
        call=begun(booking, at),
    )


def apply(state: State | None, recorded: e.Recorded) -> State:
    """Return the state after an event. The first one must be `Opened`."""
    event, at = recorded.event, recorded.at
    if state is None:
        if not isinstance(event, e.Opened):
            raise ValueError("a log starts with opened")
        return opened(event.booking, at)
    if recorded.seq != state.seq + 1:
        raise ValueError(f"event {recorded.seq} follows {state.seq}")
    return replace(settled(_APPLY[type(event)](state, event, at), at), seq=recorded.seq)


def replay(log: Iterable[e.Recorded], state: State | None = None) -> State | None:
    """The state that a log adds up to, or that it makes of the ``state`` before it."""
    for recorded in log:
        state = apply(state, recorded)
    return state


def _seat(state: State, point: str, **changes: Any) -> State:
    return replace(state, seats={**state.seats, point: replace(state.seats[point], **changes)})


def _applied_opened(state: State, event: e.Opened, at: float) -> State:
    raise ValueError("a log is opened once")


def _applied_started(state: State, event: e.Started, at: float) -> State:
    """Rules apply; what was tried out in the trial session is over."""
    muted = state.booking.rules.all_muted
    seats = {
        point: replace(
            seat,
            microphone=(not muted or point == state.chair) and point not in state.booking.observers,
            locked=False,
        )
        for point, seat in state.seats.items()
    }
    return replace(
        state,
        phase="live",
        started_at=at,
        seats=seats,
        on_air=state.chair,
        previous=None,
        queue=(),
        requests=0,
        roll_call=None,
        spoke=(),
        item=None,
        items_begun=(),
        votes=(),
    )


def _applied_ended(state: State, event: e.Ended, at: float) -> State:
    seats = {p: replace(s, present=False) for p, s in state.seats.items()}
    return replace(
        state,
        phase="ended",
        ended_at=at,
        seats=seats,
        roll_call=None,
        content=None,
        content_sound=False,
        showing=None,
        recorded=False,
        registration_open=False,
    )


def _applied_joined(state: State, event: e.PointJoined, at: float) -> State:
    state = _seat(state, event.point, present=True, ever=True, call_problem="", lost_reason="")
    floor = state.floor
    if floor is not None and floor.point == event.point and floor.since is None:
        state = replace(state, floor=replace(floor, since=at))
    return state


def _applied_left(state: State, event: e.PointLeft, at: float) -> State:
    # The seat stays as it is: role, microphone, place on screen, in the queue, on the floor.
    state = _seat(state, event.point, present=False, lost_reason=event.reason)
    floor = state.floor
    if floor is not None and floor.point == event.point and floor.since is not None:
        state = replace(state, floor=replace(floor, since=None, used=floor.spent(at)))
    return state


def _preview_after(state: State, event: e.Taken | e.FloorGranted) -> str | None:
    if event.swapped:
        return event.previous
    return None if state.preview == event.point else state.preview


def _applied_taken(state: State, event: e.Taken, at: float) -> State:
    preview = _preview_after(state, event)
    return replace(state, on_air=event.point, previous=event.previous, preview=preview)


def _applied_granted(state: State, event: e.FloorGranted, at: float) -> State:
    seats = {
        point: replace(
            seat,
            microphone=point == event.point or (seat.microphone and point == state.chair),
            locked=seat.locked and point != event.point,
            self_muted=seat.self_muted and point != event.point,
        )
        for point, seat in state.seats.items()
    }
    queue = tuple(r for r in state.queue if r.point != event.point)
    state = replace(
        state,
        seats=seats,
        queue=queue,
        floor=Floor(point=event.point, since=at, limit=event.limit),
        preview=_preview_after(state, event),
        spoke=(event.point, *(p for p in state.spoke if p != event.point))[:MAX_SPOKE],
    )
    if state.on_air != event.point:
        state = replace(state, on_air=event.point, previous=event.previous)
    return state


def _applied_floor_ended(state: State, event: e.FloorEnded, at: float) -> State:
    seat = state.seats[event.point]
    closed = state.booking.rules.floor == "request" and event.point != state.chair
    state = _seat(
        state,
        event.point,
        floor_seconds=seat.floor_seconds + event.seconds,
        microphone=seat.microphone and not closed,
    )
    return replace(state, floor=None)


def _applied_floor_limited(state: State, event: e.FloorLimited, at: float) -> State:
    assert state.floor is not None
    return replace(state, floor=replace(state.floor, limit=event.limit, warned=None))


def _applied_floor_warned(state: State, event: e.FloorWarned, at: float) -> State:
    assert state.floor is not None
    return replace(state, floor=replace(state.floor, warned=event.left))


def _applied_turn(state: State, event: e.RollCallTurn, at: float) -> State:
    assert state.roll_call is not None
    waiting = state.roll_call.waiting
    rest = waiting[waiting.index(event.point) + 1 :]
    return replace(state, roll_call=replace(state.roll_call, waiting=rest))


def _applied_microphones(state: State, event: e.MicrophonesSet, at: float) -> State:
    seats = dict(state.seats)
    for point in event.points:
        seat = seats[point]
        seats[point] = replace(
            seat,
            microphone=event.open,
            locked=seat.locked if event.locked is None else event.locked,
            self_muted=seat.self_muted and not event.open,
        )
    return replace(state, seats=seats)


def _applied_dropped(state: State, event: e.Dropped, at: float) -> State:
    return _seat(
        state,
        event.point,
        dropped=True,
        present=False,
        accepted=False,
        microphone=False,
        lost_reason=event.reason,
    )


def _applied_banner(state: State, event: e.BannerSet, at: float) -> State:
    if event.point is None:
        return replace(state, banner=event.text)
    banners = {p: text for p, text in state.banners.items() if p != event.point}
    if event.text:
        banners[event.point] = event.text
    return replace(state, banners=banners)


def _applied_pinned(state: State, event: e.Pinned, at: float) -> State:
    # A point stands in one pane: fixing it elsewhere frees the pane it was in.
    pins = {n: p for n, p in state.pins.items() if n != event.pane and p != event.point}
    if event.point is not None:
        pins[event.pane] = event.point
    return replace(state, pins=dict(sorted(pins.items())))


def _applied_clock(state: State, event: e.ClockStepped, at: float) -> State:
    floor = state.floor
    if floor is not None and floor.since is not None:
        floor = replace(floor, since=floor.since + event.seconds)
    queue = tuple(replace(r, at=r.at + event.seconds) for r in state.queue)
    item = state.item
    if item is not None:
        item = replace(item, since=item.since + event.seconds)
    started = state.started_at + event.seconds if state.started_at is not None else None
    return replace(
        state,
        floor=floor,
        item=item,
        queue=queue,
        started_at=started,
        call=stepped(state.call, event.seconds) if state.call is not None else None,
        opened_at=state.opened_at + event.seconds,
    )


def _applied_requested(state: State, event: e.FloorRequested, at: float) -> State:
    request = Request(point=event.point, number=event.number, at=at)
    return replace(state, queue=(*state.queue, request), requests=event.number)


def _applied_attached(state: State, event: e.PaperAttached, at: float) -> State:
    paper, shown = event.paper, state.showing
    if shown is not None and shown.paper == paper.id:
        shown = replace(shown, version=paper.version)
    return replace(state, papers={**state.papers, paper.id: paper}, showing=shown)


def _applied_vote(state: State, event: VoteEvent, at: float) -> State:
    votes = votes_after(state.votes, event, at)
    return replace(state, votes=votes, votes_numbered=max(state.votes_numbered, event.number))


def _applied_persons(state: State, event: PersonEvent, at: float) -> State:
    return replace(state, persons=persons_after(state.persons, event))


_APPLY: dict[type[e.Event], Callable[[State, Any, float], State]] = {
    e.Opened: _applied_opened,
    e.Started: _applied_started,
    e.Extended: lambda s, ev, _: replace(s, end=ev.end, end_warned=False),
    e.EndNear: lambda s, ev, _: replace(s, end_warned=True),
    e.Ended: _applied_ended,
    e.Locked: lambda s, ev, _: replace(s, closed=ev.locked),
    e.DirectorSet: lambda s, ev, _: replace(s, director=ev.user),
    e.PointJoined: _applied_joined,
    e.PointLeft: _applied_left,
    e.CallProblem: lambda s, ev, _: _seat(s, ev.point, call_problem=ev.reason),
    e.Accepted: lambda s, ev, _: _seat(s, ev.point, accepted=True),
    e.Dropped: _applied_dropped,
    e.Recalled: lambda s, ev, _: _seat(
        s,
        ev.point,
        dropped=False,
        accepted=True,
        lost_reason="",
        connect="automatic" if s.seats[ev.point].connect == "none" else s.seats[ev.point].connect,
    ),
    e.Previewed: lambda s, ev, _: replace(s, preview=ev.point),
    e.Taken: _applied_taken,
    e.ReturnPictureSet: lambda s, ev, _: replace(s, return_picture=ev.point),
    e.LayoutSet: lambda s, ev, _: replace(s, layout=ev.layout, layout_before=ev.before),
    e.Pinned: _applied_pinned,
    e.Ranked: lambda s, ev, _: replace(s, ranking=ev.points),
    e.FloorRequested: _applied_requested,
    e.FloorWithdrawn: lambda s, ev, _: replace(
        s, queue=tuple(r for r in s.queue if r.point != ev.point)
    ),
    e.FloorGranted: _applied_granted,
    e.FloorLimited: _applied_floor_limited,
    e.FloorWarned: _applied_floor_warned,
    e.FloorEnded: _applied_floor_ended,
    e.RollCallStarted: lambda s, ev, _: replace(
        s, roll_call=RollCall(waiting=ev.points, seconds=ev.seconds)
    ),
    e.RollCallTurn: _applied_turn,
    e.RollCallEnded: lambda s, ev, _: replace(s, roll_call=None),
    e.MicrophonesSet: _applied_microphones,
    e.SelfMuted: lambda s, ev, _: _seat(s, ev.point, self_muted=ev.muted),
    e.CameraSet: lambda s, ev, _: _seat(s, ev.point, camera_off=ev.off),
    e.BannerSet: _applied_banner,
    e.ContentStarted: lambda s, ev, _: replace(s, content=ev.sharer, content_sound=False),
    e.ContentSound: lambda s, ev, _: replace(s, content_sound=ev.on),
    e.ContentStopped: lambda s, ev, _: replace(s, content=None, content_sound=False),
    e.RecordingSet: lambda s, ev, _: replace(
        s, recording=ev.wish, recordings=ev.number, recording_problem=ev.problem
    ),
    e.RecordingNoted: lambda s, ev, _: replace(s, recorded=ev.writing),
    e.RecordingKept: lambda s, ev, _: s,
    e.RecordingRuled: lambda s, ev, _: s,
    e.RecordingDeleted: lambda s, ev, _: s,
    e.PaperAttached: _applied_attached,
    e.PaperWithdrawn: lambda s, ev, _: replace(
        s, papers={ident: paper for ident, paper in s.papers.items() if ident != ev.paper}
    ),
    e.PageShown: lambda s, ev, _: replace(s, showing=e.showing(ev)),
    e.PaperPutAway: lambda s, ev, _: replace(s, showing=None),
    e.StrokesKept: lambda s, ev, _: s,
    e.PaperKept: lambda s, ev, _: s,
    e.PaperRuled: lambda s, ev, _: s,
    e.PaperRemoved: lambda s, ev, _: s,
    e.ChainBegun: lambda s, ev, _: s,
    e.HeadSigned: lambda s, ev, _: s,
    e.MinutesSigned: lambda s, ev, _: s,
    e.BackupRestored: lambda s, ev, _: s,
    e.AudienceSet: lambda s, ev, _: replace(s, audience=ev.admits),
    e.AudienceCodeRenewed: lambda s, ev, _: replace(s, audience_code=ev.number),
    e.AudienceNoted: lambda s, ev, _: replace(s, viewers=ev.viewers),
    **AGENDA,
    **dict.fromkeys((PersonsListed, PersonsUnlisted, AttendanceNoted), _applied_persons),
    RegistrationSet: lambda s, ev, _: replace(
        s, registration_open=ev.open, registrations=ev.number
    ),
    PersonsForgotten: lambda s, ev, _: s,
    **DESK_CALL,
    **PEERS,
    **dict.fromkeys(get_args(VoteEvent), _applied_vote),
    e.ClockStepped: _applied_clock,
    e.QualityNoted: lambda s, ev, _: s,
    e.PictureNoted: lambda s, ev, _: s,
}
