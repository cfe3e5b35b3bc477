"""Commands and facts about other bridges that are points of a conference."""

from __future__ import annotations

from bridge.conference.model import Point, Struct, Text
from bridge.conference.other_bridges import FloorThere, Member


class SendPicture(Struct, frozen=True, kw_only=True, tag="send_picture"):
    """What another bridge is sent as our picture: the camera of ``shows``, or (None) the programme
    as every point gets it."""

    point: Point
    shows: Point | None = None


class AskThere(Struct, frozen=True, kw_only=True, tag="ask_there"):
    """Ask for the floor in the other bridge's conference, for a point of ours (``of``) or for all
    of us."""

    point: Point
    of: Point | None = None


class TakeBack(Struct, frozen=True, kw_only=True, tag="take_back"):
    """Take that request back."""

    point: Point


class NoteFloorThere(Struct, frozen=True, kw_only=True, tag="note_floor_there"):
    """The other bridge says what became of our request."""

    point: Point
    floor: FloorThere


class NoteAsking(Struct, frozen=True, kw_only=True, tag="note_asking"):
    """For whom the other bridge asks for the floor: a name of its own, "" for itself."""

    point: Point
    of: Text = ""


class NoteMembers(Struct, frozen=True, kw_only=True, tag="note_members"):
    """Points of the other bridge came or left: those that changed, those that are no more, and how
    many there are now."""

    point: Point
    members: tuple[Member, ...]
    gone: tuple[str, ...] = ()
    total: int
    present: int


PeerAsked = SendPicture | AskThere | TakeBack
PeerFact = NoteFloorThere | NoteAsking | NoteMembers
