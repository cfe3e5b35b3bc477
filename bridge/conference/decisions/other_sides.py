"""Decisions about other bridges: what they are sent, and requests for the floor both ways."""

from __future__ import annotations

from bridge.conference import peer_commands as p
from bridge.conference import peer_events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import Actor, State
from bridge.conference.other_bridges import PeerSeat


def send_picture(state: State, command: p.SendPicture, actor: Actor, now: float) -> Outcome:
    if command.point not in state.booking.bridges:
        return no("refusal.no_bridge", point=command.point)
    shows = command.shows
    if shows is not None:
        if shows not in state.seats:
            return no("refusal.unknown_point", point=shows)
        if shows == command.point:
            return no("refusal.own_picture", point=shows)
        if shows in state.booking.observers:
            return no("refusal.observer", point=shows)
    return () if _seat(state, command.point).picture == shows else (_sent(command.point, shows),)


def _sent(point: str, shows: str | None) -> e.PictureSent:
    return e.PictureSent(point=point, shows=shows)


def ask(state: State, command: p.AskThere, actor: Actor, now: float) -> Outcome:
    if command.point not in state.booking.bridges:
        return no("refusal.no_bridge", point=command.point)
    if not state.seats[command.point].present:
        return no("refusal.point_absent", point=command.point)
    if command.of is not None and command.of not in state.seats:
        return no("refusal.unknown_point", point=command.of)
    if command.of == command.point:
        return no("refusal.own_picture", point=command.point)
    of = command.of or ""
    seat = _seat(state, command.point)
    if seat.floor == "given":
        return no("refusal.has_floor_there", point=command.point)
    return () if seat.asked == of else (e.FloorAskedThere(point=command.point, of=of),)


def take_back(state: State, command: p.TakeBack, actor: Actor, now: float) -> Outcome:
    if _seat(state, command.point).asked is None:
        return ()
    return (e.FloorAskedThere(point=command.point, of=None),)


def note_floor(state: State, command: p.NoteFloorThere, actor: Actor, now: float) -> Outcome:
    if command.point not in state.booking.bridges or (
        _seat(state, command.point).floor == command.floor
    ):
        return ()
    return (e.FloorHeardThere(point=command.point, floor=command.floor),)


def note_asking(state: State, command: p.NoteAsking, actor: Actor, now: float) -> Outcome:
    if command.point not in state.booking.bridges or (
        _seat(state, command.point).asking == command.of
    ):
        return ()
    return (e.AskedFromThere(point=command.point, of=command.of),)


def note_members(state: State, command: p.NoteMembers, actor: Actor, now: float) -> Outcome:
    if command.point not in state.booking.bridges:
        return ()
    return (
        e.MembersNoted(
            point=command.point,
            members=command.members,
            gone=command.gone,
            total=command.total,
            present=command.present,
        ),
    )


def _seat(state: State, point: str) -> PeerSeat:
    return state.peers.get(point, PeerSeat())
