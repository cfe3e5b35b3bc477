"""Messages about cameras that operators steer."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.base.i18n import Sentence


class CallPreset(
    msgspec.Struct, frozen=True, kw_only=True, tag="preset", forbid_unknown_fields=True
):
    """A console has a point's camera go to a preset; answered by a `Result` once the camera has
    said whether it does."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    point: Annotated[str, msgspec.Meta(max_length=64)]
    number: Annotated[int, msgspec.Meta(ge=1, le=9)]


class PresetView(msgspec.Struct, frozen=True, kw_only=True):
    """A position that a point's camera keeps, and the digit that calls it."""

    number: int
    name: Sentence


class CameraView(msgspec.Struct, frozen=True, kw_only=True):
    """What a point's camera was asked for last: the preset, at UTC seconds; ``waits`` until the
    camera has answered, and then ``problem`` is why it does not go there."""

    preset: int
    at: float
    waits: bool
    problem: Sentence | None = None
