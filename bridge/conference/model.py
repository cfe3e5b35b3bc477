"""State, commands and events of a conference. Frozen; ids are NewTypes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

PointId = NewType("PointId", str)
Actor = NewType("Actor", str)  # who asked: "point:khoan-du", "viewer:demo", "system"


@dataclass(frozen=True, slots=True)
class State:
    """A running conference. ``points`` keeps the order of the topology; ``previous`` is who
    was on air before ``on_air`` (what the chair sees while it is on air itself).
    ``observers`` send nothing and cannot be brought on air."""

    chair: PointId
    points: tuple[PointId, ...]
    on_air: PointId
    previous: PointId | None = None
    present: frozenset[PointId] = field(default=frozenset())
    observers: frozenset[PointId] = field(default=frozenset())


# --- commands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PointUp:
    """A point's media is connected."""

    point: PointId


@dataclass(frozen=True, slots=True)
class PointDown:
    """A point's media is gone."""

    point: PointId
    reason: str


@dataclass(frozen=True, slots=True)
class Take:
    """Bring a point on air."""

    point: PointId


Command = PointUp | PointDown | Take


# --- events --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PointJoined:
    point: PointId


@dataclass(frozen=True, slots=True)
class PointLeft:
    point: PointId
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """``point`` is on air; ``previous`` was before."""

    point: PointId
    previous: PointId


Event = PointJoined | PointLeft | Taken


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command changes nothing: a key of the text catalogue and its arguments."""

    key: str
    arguments: tuple[tuple[str, str], ...] = ()
