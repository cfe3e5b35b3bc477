"""Commands of a desk call. ``point`` is who asks: a citizen's desk or an officer, for itself."""

from __future__ import annotations

from bridge.conference.model import Point, Struct


class RingOfficer(Struct, frozen=True, kw_only=True, tag="ring"):
    """The desk rings another officer, after one did not answer."""

    point: Point
    officer: Point


class AnswerCall(Struct, frozen=True, kw_only=True, tag="answer"):
    """Who is rung answers."""

    point: Point


class DeclineCall(Struct, frozen=True, kw_only=True, tag="decline"):
    """Who is rung does not take the call."""

    point: Point


class HandOver(Struct, frozen=True, kw_only=True, tag="hand_over"):
    """The officer who talks has another one rung, and leaves when that one answers."""

    point: Point
    officer: Point


class HangUp(Struct, frozen=True, kw_only=True, tag="hang_up"):
    """End the call: the desk at any time, the officer who talks."""

    point: Point


DeskCallAsked = RingOfficer | AnswerCall | DeclineCall | HandOver | HangUp
