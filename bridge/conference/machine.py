"""`decide` tells what a command leads to, `due` when time itself leads to something. Pure;
`apply` carries events out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import legality
from bridge.conference.model import (
    Actor,
    Refusal,
    RollCall,
    State,
)

FLOOR_WARNINGS = (30, 0)  # seconds left of a turn when the room and the operator are warned
END_WARNING = 300.0  # seconds before the planned end

Outcome = tuple[e.Event, ...] | Refusal


def no(key: str, **arguments: str) -> Refusal:
    return Refusal(key=key, arguments=arguments)


# --- decide --------------------------------------------------------------------------------


def decide(state: State, command: c.Command, actor: Actor, now: float) -> Outcome:
    """Return the events of a command (none where nothing changes), or why it is refused."""
    refused = legality.refusal(state, command, actor)
    if refused is not None:
        return refused
    for point in (getattr(command, "point", None), *getattr(command, "points", ())):
        if point is not None and point not in state.seats:
            return no("refusal.unknown_point", point=point)
    outcome = _DECIDE[type(command)](state, command, actor, now)
    if isinstance(outcome, Refusal):
        return outcome
    if actor.kind == "user" and state.director is None and legality.TABLE[type(command)].directs:
        # Whoever directs while nobody does becomes the director.
        return (e.DirectorSet(user=actor.name), *outcome)
    return outcome


def _sends(state: State, point: str) -> Refusal | None:
    """Why a point cannot be brought on air or be given the floor."""
    if point in state.booking.observers:
        return no("refusal.observer", point=point)
    if not state.seats[point].present:
        return no("refusal.point_absent", point=point)
    return None


def _end_floor(state: State, now: float) -> tuple[e.Event, ...]:
    if state.floor is None:
        return ()
    seconds = round(state.floor.spent(now), 3)
    return (e.FloorEnded(point=state.floor.point, seconds=seconds),)


def _start(state: State, _: c.Start, actor: Actor, now: float) -> Outcome:
    return (*_end_floor(state, now), e.Started())


def _extend(state: State, command: c.Extend, actor: Actor, now: float) -> Outcome:
    return (e.Extended(end=max(state.end or now, now) + command.minutes * 60),)


def _end(state: State, _: c.End, actor: Actor, now: float) -> Outcome:
    stop = (e.ContentStopped(sharer=state.content),) if state.content else ()
    return (*_end_floor(state, now), *stop, e.Ended())


def _lock(state: State, command: c.Lock, actor: Actor, now: float) -> Outcome:
    return () if state.closed == command.locked else (e.Locked(locked=command.locked),)


def _direct(state: State, command: c.Direct, actor: Actor, now: float) -> Outcome:
    if state.director == actor.name:
        return ()
    if state.director is not None and not command.take_over:
        return no("refusal.confirm_take_over", user=state.director)
    return (e.DirectorSet(user=actor.name, before=state.director),)


def _preview(state: State, command: c.Preview, actor: Actor, now: float) -> Outcome:
    if command.point is not None and command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    return () if state.preview == command.point else (e.Previewed(point=command.point),)


def _take(state: State, command: c.Take, actor: Actor, now: float) -> Outcome:
    point = command.point if command.point is not None else state.preview
    if point is None:
        return no("refusal.no_preview")
    if point == state.on_air:
        return ()
    refused = _sends(state, point)
    return refused or (e.Taken(point=point, previous=state.on_air),)


def _return(state: State, _: c.Return, actor: Actor, now: float) -> Outcome:
    events: tuple[e.Event, ...] = _end_floor(state, now)
    if state.roll_call is not None:
        events += (e.RollCallEnded(),)
    if state.on_air != state.chair:
        events += (e.Taken(point=state.chair, previous=state.on_air),)
    return events


def _return_picture(state: State, command: c.ReturnPicture, actor: Actor, now: float) -> Outcome:
    if command.point is not None and command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    return (
        () if state.return_picture == command.point else (e.ReturnPictureSet(point=command.point),)
    )


def _layout(state: State, command: c.SetLayout, actor: Actor, now: float) -> Outcome:
    return () if state.layout == command.layout else (e.LayoutSet(layout=command.layout),)


def _pin(state: State, command: c.Pin, actor: Actor, now: float) -> Outcome:
    if state.pins.get(command.pane) == command.point:
        return ()
    return (e.Pinned(pane=command.pane, point=command.point),)


def _rank(state: State, command: c.Rank, actor: Actor, now: float) -> Outcome:
    points = tuple(dict.fromkeys(command.points))
    return () if points == state.ranking else (e.Ranked(points=points),)


def _request(state: State, command: c.RequestFloor, actor: Actor, now: float) -> Outcome:
    if command.point in state.booking.observers:
        return no("refusal.observer_floor", point=command.point)
    if not state.seats[command.point].present:
        return no("refusal.point_absent", point=command.point)
    if state.floor is not None and state.floor.point == command.point:
        return no("refusal.has_floor", point=command.point)
    if any(r.point == command.point for r in state.queue):
        return ()
    return (e.FloorRequested(point=command.point, number=state.requests + 1),)


def _withdraw(state: State, command: c.WithdrawFloor, actor: Actor, now: float) -> Outcome:
    if not any(r.point == command.point for r in state.queue):
        return ()
    return (e.FloorWithdrawn(point=command.point),)


def _give(state: State, point: str, limit: int | None, now: float) -> Outcome:
    refused = _sends(state, point)
    if refused is not None:
        return refused
    if state.floor is not None and state.floor.point == point:
        return () if limit == state.floor.limit else (e.FloorLimited(limit=limit),)
    number = next((r.number for r in state.queue if r.point == point), 0)
    granted = e.FloorGranted(point=point, previous=state.on_air, number=number, limit=limit)
    return (*_end_floor(state, now), granted)


def _grant(state: State, command: c.Grant, actor: Actor, now: float) -> Outcome:
    point = command.point
    if point is None:
        # The first that is there; a point that dropped keeps its place and its number.
        point = next((r.point for r in state.queue if state.seats[r.point].present), None)
    if point is None:
        return no("refusal.empty_queue")
    limit = command.seconds if command.seconds is not None else state.booking.rules.speaking_seconds
    outcome = _give(state, point, limit, now)
    if not isinstance(outcome, Refusal) and state.roll_call is not None and outcome:
        return (e.RollCallEnded(), *outcome)
    return outcome


def _speaking_time(state: State, command: c.SpeakingTime, actor: Actor, now: float) -> Outcome:
    if state.floor is None:
        return no("refusal.no_floor")
    return () if state.floor.limit == command.seconds else (e.FloorLimited(limit=command.seconds),)


def _roll_call(state: State, command: c.StartRollCall, actor: Actor, now: float) -> Outcome:
    points = command.points or tuple(
        p
        for p in state.points
        if state.seats[p].present and p != state.chair and p not in state.booking.observers
    )
    for point in points:
        if point in state.booking.observers:
            return no("refusal.observer", point=point)
    if not any(state.seats[p].present for p in points):
        return no("refusal.nobody_present")
    points = tuple(dict.fromkeys(points))
    begun = e.RollCallStarted(points=points, seconds=command.seconds)
    started = replace(state, roll_call=RollCall(waiting=points, seconds=command.seconds))
    return (begun, *_turn(started, now))


def _turn(state: State, now: float) -> tuple[e.Event, ...]:
    """The next turn of a running roll call, or its end."""
    assert state.roll_call is not None
    skipped: list[str] = []
    for point in state.roll_call.waiting:
        if state.seats[point].present:
            granted = e.FloorGranted(
                point=point, previous=state.on_air, limit=state.roll_call.seconds
            )
            turn = e.RollCallTurn(point=point, skipped=tuple(skipped))
            return (*_end_floor(state, now), turn, granted)
        skipped.append(point)
    events: tuple[e.Event, ...] = (*_end_floor(state, now), e.RollCallEnded(skipped=tuple(skipped)))
    if state.on_air != state.chair:
        events += (e.Taken(point=state.chair, previous=state.on_air),)
    return events


def _next(state: State, _: c.Next, actor: Actor, now: float) -> Outcome:
    if state.roll_call is not None:
        return _turn(state, now)
    return _grant(state, c.Grant(), actor, now)


def _stop_roll_call(state: State, _: c.StopRollCall, actor: Actor, now: float) -> Outcome:
    if state.roll_call is None:
        return no("refusal.no_roll_call")
    return _return(state, c.Return(), actor, now)


def _mute(state: State, command: c.Mute, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    locked = command.lock or seat.locked
    if not seat.microphone and seat.locked == locked:
        return ()
    return (e.MicrophonesSet(points=(command.point,), open=False, locked=locked),)


def _unmute(state: State, command: c.Unmute, actor: Actor, now: float) -> Outcome:
    if command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    seat = state.seats[command.point]
    if seat.microphone and not seat.locked and not seat.self_muted:
        return ()
    return (e.MicrophonesSet(points=(command.point,), open=True, locked=False),)


def _mute_all(state: State, command: c.MuteAll, actor: Actor, now: float) -> Outcome:
    kept: set[str] = set()
    if command.but == "chair":
        kept = {state.chair}
    elif command.but == "speaker":
        kept = {state.floor.point if state.floor is not None else state.on_air}
    points = tuple(
        point
        for point, seat in state.seats.items()
        if point not in kept and (seat.microphone or (command.lock and not seat.locked))
    )
    lock = True if command.lock else None
    return (e.MicrophonesSet(points=points, open=False, locked=lock),) if points else ()


def _self_mute(state: State, command: c.SelfMute, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if command.muted:
        return () if seat.self_muted else (e.SelfMuted(point=command.point, muted=True),)
    if seat.locked:
        return no("refusal.locked_microphone")
    if command.point in state.booking.observers:
        return no("refusal.observer_floor", point=command.point)
    if seat.microphone:
        return (e.SelfMuted(point=command.point, muted=False),) if seat.self_muted else ()
    if state.booking.rules.floor != "free":
        return no("refusal.ask_for_floor")
    return (e.MicrophonesSet(points=(command.point,), open=True, locked=None),)


def _camera(state: State, command: c.Camera, actor: Actor, now: float) -> Outcome:
    if state.seats[command.point].camera_off == command.off:
        return ()
    return (e.CameraSet(point=command.point, off=command.off),)


def _accept(state: State, command: c.Accept, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.dropped or seat.connect == "none":
        return no("refusal.not_called")
    if state.closed and not seat.ever:
        return no("refusal.closed")
    if seat.accepted or seat.connect == "automatic":
        return ()
    return (e.Accepted(point=command.point),)


def _drop(state: State, command: c.Drop, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if command.point == state.chair:
        return no("refusal.drop_chair")
    if seat.dropped:
        return ()
    events: tuple[e.Event, ...] = ()
    if state.floor is not None and state.floor.point == command.point:
        events += _end_floor(state, now)
    if state.content == f"point:{command.point}":
        events += (e.ContentStopped(sharer=state.content),)
    if state.on_air == command.point:
        events += (e.Taken(point=state.chair, previous=state.on_air),)
    if any(r.point == command.point for r in state.queue):
        events += (e.FloorWithdrawn(point=command.point),)
    return (*events, e.Dropped(point=command.point, reason=command.reason))


def _recall(state: State, command: c.Recall, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.called and not seat.dropped:
        return ()
    return (e.Recalled(point=command.point),)


def _banner(state: State, command: c.Banner, actor: Actor, now: float) -> Outcome:
    text = command.text.strip()
    before = state.banner if command.point is None else state.banners.get(command.point, "")
    return () if text == before else (e.BannerSet(text=text, point=command.point),)


def _sharer(command: c.Share | c.StopShare, actor: Actor) -> str:
    return f"point:{command.point}" if command.point is not None else f"user:{actor.name}"


def _share(state: State, command: c.Share, actor: Actor, now: float) -> Outcome:
    sharer = _sharer(command, actor)
    if state.content == sharer:
        return ()
    if command.point is not None:
        refused = _sends(state, command.point)
        if refused is not None:
            return refused
        if actor.kind == "point" and state.content is not None:
            return no("refusal.already_shared")
    stop = (e.ContentStopped(sharer=state.content),) if state.content else ()
    return (*stop, e.ContentStarted(sharer=sharer))


def _stop_share(state: State, command: c.StopShare, actor: Actor, now: float) -> Outcome:
    if state.content is None:
        return ()
    if actor.kind == "point" and state.content != _sharer(command, actor):
        return ()
    return (e.ContentStopped(sharer=state.content),)


def _point_up(state: State, command: c.PointUp, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.present:
        return ()
    if not seat.called:
        return no("refusal.not_called")
    if state.closed and not seat.ever:
        return no("refusal.closed")
    return (e.PointJoined(point=command.point),)


def _point_down(state: State, command: c.PointDown, actor: Actor, now: float) -> Outcome:
    if not state.seats[command.point].present:
        return ()
    return (e.PointLeft(point=command.point, reason=command.reason),)


def _call_failed(state: State, command: c.CallFailed, actor: Actor, now: float) -> Outcome:
    seat = state.seats[command.point]
    if seat.present or seat.call_problem == command.reason:
        return ()
    return (e.CallProblem(point=command.point, reason=command.reason),)


def _tick(state: State, _: c.Tick, actor: Actor, now: float) -> Outcome:
    if state.end is not None and not state.end_warned and now >= state.end - END_WARNING:
        return (e.EndNear(),)
    left = _next_warning(state)
    floor = state.floor
    if floor is None or left is None or floor.limit is None:
        return ()
    if floor.limit - floor.spent(now) > left + 0.001:
        return ()
    if left == 0 and state.roll_call is not None:
        return _turn(state, now)
    return (e.FloorWarned(point=floor.point, left=left),)


def _next_warning(state: State) -> int | None:
    """Seconds left at which the running turn is warned next."""
    floor = state.floor
    if floor is None or floor.limit is None or floor.since is None:
        return None
    for left in FLOOR_WARNINGS:
        early = left < floor.limit / 2 or left == 0
        if early and (floor.warned is None or left < floor.warned):
            return left
    return None


def _step_clock(state: State, command: c.StepClock, actor: Actor, now: float) -> Outcome:
    return (e.ClockStepped(seconds=command.seconds),)


def _note_quality(state: State, command: c.NoteQuality, actor: Actor, now: float) -> Outcome:
    return (e.QualityNoted(point=command.point, up=command.up, down=command.down),)


_DECIDE: dict[type[c.Command], Callable[[State, Any, Actor, float], Outcome]] = {
    c.Start: _start,
    c.Extend: _extend,
    c.End: _end,
    c.Lock: _lock,
    c.Direct: _direct,
    c.Preview: _preview,
    c.Take: _take,
    c.Return: _return,
    c.ReturnPicture: _return_picture,
    c.SetLayout: _layout,
    c.Pin: _pin,
    c.Rank: _rank,
    c.RequestFloor: _request,
    c.WithdrawFloor: _withdraw,
    c.Grant: _grant,
    c.SpeakingTime: _speaking_time,
    c.StartRollCall: _roll_call,
    c.Next: _next,
    c.StopRollCall: _stop_roll_call,
    c.Mute: _mute,
    c.Unmute: _unmute,
    c.MuteAll: _mute_all,
    c.SelfMute: _self_mute,
    c.Camera: _camera,
    c.Accept: _accept,
    c.Drop: _drop,
    c.Recall: _recall,
    c.Banner: _banner,
    c.Share: _share,
    c.StopShare: _stop_share,
    c.PointUp: _point_up,
    c.PointDown: _point_down,
    c.CallFailed: _call_failed,
    c.Tick: _tick,
    c.StepClock: _step_clock,
    c.NoteQuality: _note_quality,
}


def due(state: State) -> float | None:
    """When `Tick` has something to do next, UTC seconds; None: nothing is due."""
    if state.phase == "ended":
        return None
    times: list[float] = []
    if state.end is not None and not state.end_warned:
        times.append(state.end - END_WARNING)
    floor, left = state.floor, _next_warning(state)
    if floor is not None and left is not None and floor.since is not None and floor.limit:
        times.append(floor.since + floor.limit - floor.used - left)
    return min(times, default=None)
