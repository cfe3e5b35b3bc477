"""Messages of an operator who speaks to one room (talkback)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Talk(msgspec.Struct, frozen=True, kw_only=True, tag="talk", forbid_unknown_fields=True):
    """A console speaks to a point from now on, or (null) no more; answered by a `Result`."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    point: Annotated[str, msgspec.Meta(max_length=64)] | None


class TalkView(msgspec.Struct, frozen=True, kw_only=True):
    """``user`` speaks to a point since ``at`` (UTC seconds). ``answer`` is what arrives at the
    bridge of the room's voice: nothing, silence, a voice; or it is switched off in the room."""

    user: str
    at: float
    answer: Literal["none", "silent", "live", "muted"]
