"""Decisions about what is seen: preview, take, layout, panes, banners, shared screens."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, cannot_send, no, stop_content, taken
from bridge.conference.model import Actor, State


def preview(state: State, command: c.Preview, actor: Actor, now: float) -> Outcome:
    if command.point is not None and command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    return () if state.preview == command.point else (e.Previewed(point=command.point),)


def take(state: State, command: c.Take, actor: Actor, now: float) -> Outcome:
    point = command.point if command.point is not None else state.preview
    if point is None:
        return no("refusal.no_preview")
    if point == state.on_air:
        return ()
    refused = cannot_send(state, point)
    return refused or (taken(state, point),)


def back(state: State, _: c.Back, actor: Actor, now: float) -> Outcome:
    if state.previous is None or state.previous == state.on_air:
        return no("refusal.no_previous")
    return take(state, c.Take(point=state.previous), actor, now)


def return_picture(state: State, command: c.ReturnPicture, actor: Actor, now: float) -> Outcome:
    if command.point is not None and command.point in state.booking.observers:
        return no("refusal.observer", point=command.point)
    return (
        () if state.return_picture == command.point else (e.ReturnPictureSet(point=command.point),)
    )


def layout(state: State, command: c.SetLayout, actor: Actor, now: float) -> Outcome:
    return () if state.layout == command.layout else (e.LayoutSet(layout=command.layout),)


def pin(state: State, command: c.Pin, actor: Actor, now: float) -> Outcome:
    if state.pins.get(command.pane) == command.point:
        return ()
    return (e.Pinned(pane=command.pane, point=command.point),)


def rank(state: State, command: c.Rank, actor: Actor, now: float) -> Outcome:
    points = tuple(dict.fromkeys(command.points))
    return () if points == state.ranking else (e.Ranked(points=points),)


def camera(state: State, command: c.Camera, actor: Actor, now: float) -> Outcome:
    if state.seats[command.point].camera_off == command.off:
        return ()
    return (e.CameraSet(point=command.point, off=command.off),)


def banner(state: State, command: c.Banner, actor: Actor, now: float) -> Outcome:
    text = command.text.strip()
    before = state.banner if command.point is None else state.banners.get(command.point, "")
    return () if text == before else (e.BannerSet(text=text, point=command.point),)


def _sharer(command: c.Share | c.StopShare, actor: Actor) -> str:
    return f"point:{command.point}" if command.point is not None else f"user:{actor.name}"


def share(state: State, command: c.Share, actor: Actor, now: float) -> Outcome:
    sharer = _sharer(command, actor)
    sound = command.sound and command.point is None  # rooms speak by their microphones
    if state.content == sharer:
        same = state.content_sound == sound
        return () if same else (e.ContentSound(sharer=sharer, on=sound),)
    if command.point is not None:
        refused = cannot_send(state, command.point)
        if refused is not None:
            return refused
        if actor.kind == "point" and state.content is not None:
            return no("refusal.already_shared")
    started: tuple[e.Event, ...] = (e.ContentStarted(sharer=sharer),)
    if sound:
        started += (e.ContentSound(sharer=sharer, on=True),)
    if state.content is not None:
        return (e.ContentStopped(sharer=state.content), *started)  # the layout is as it should be
    if state.layout == "content":
        return started
    return (*started, e.LayoutSet(layout="content", before=state.layout))


def stop_share(state: State, command: c.StopShare, actor: Actor, now: float) -> Outcome:
    if state.content is None:
        return ()
    if actor.kind == "point" and state.content != _sharer(command, actor):
        return ()
    return stop_content(state)
