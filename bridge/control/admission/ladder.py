"""What a conference needs at a point, and the steps in which that is lowered. Pure; kbit/s."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from config.schema import Media

MEDIUM = 360  # lines of the step "360p"


class Step(IntEnum):
    """How much of a conference a point is promised, from all of it down to its sound."""

    FULL = 0
    MEDIUM = 1  # the programme at 360 lines
    NO_THUMBNAILS = 2  # the other points' small pictures are left out, too
    NO_CONTENT = 3  # and shared screens
    LOWEST = 4  # the programme at its lowest layer
    SOUND = 5  # no picture at all


class Down(NamedTuple):
    """What a point receives, the most important first."""

    sound: int
    lowest: int
    content: int
    better: int
    """What the programme takes beyond its lowest layer."""
    thumbnails: int


class Up(NamedTuple):
    """What a point sends: all the time, and more while it is on air or shares a screen."""

    always: int
    on_air: int


def down(media: Media, others: int, step: Step) -> Down:
    """What a point receives in a conference with ``others`` that send pictures."""
    lowest = media.layers[0].bitrate
    small = min(others, media.thumbnails) * lowest
    best = _medium(media) if step else media.layers[-1].bitrate
    return Down(
        sound=media.audio_slots * media.audio,
        lowest=lowest if step < Step.SOUND else 0,
        content=media.content if step < Step.NO_CONTENT else 0,
        better=best - lowest if step < Step.LOWEST else 0,
        thumbnails=small if step < Step.NO_THUMBNAILS else 0,
    )


def up(media: Media, step: Step) -> Up:
    """What a point sends that is no observer. Layers that nobody is shown are not sent, and who is
    on air is shown large. So are the return picture and the preview; those get what is left, and
    are not planned for."""
    lowest = media.layers[0].bitrate
    return Up(
        always=media.audio + (lowest if step < Step.SOUND else 0),
        on_air=large(media, step) + (media.content if step < Step.NO_CONTENT else 0),
    )


def large(media: Media, step: Step) -> int:
    """What who is on air sends beyond its lowest layer: all its layers up to the size of a step."""
    if step >= Step.LOWEST:
        return 0
    most = _medium(media)
    return sum(x.bitrate for x in media.layers[1:] if not step or x.bitrate <= most)


def _medium(media: Media) -> int:
    """The bitrate of the best layer that has at most `MEDIUM` lines; the lowest where none has."""
    fitting = [layer.bitrate for layer in media.layers if layer.height <= MEDIUM]
    return fitting[-1] if fitting else media.layers[0].bitrate
