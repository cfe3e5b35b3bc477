"""Events of shared screens and films."""

from __future__ import annotations

from bridge.conference.stream_events import Struct


class ContentStarted(Struct, frozen=True, kw_only=True, tag="content_started"):
    """A screen is shared by ``sharer``: "point:ID" or "user:NAME"."""

    sharer: str


class ContentSound(Struct, frozen=True, kw_only=True, tag="content_sound"):
    """The sound of what an operator shares, a film's, is heard by all, or not any more. It is not
    while a screen begins to be shared."""

    sharer: str
    on: bool


class ContentStopped(Struct, frozen=True, kw_only=True, tag="content_stopped"):
    """It is shared no more, and its sound is not heard."""

    sharer: str


ContentEvent = ContentStarted | ContentSound | ContentStopped
