"""Which of the bridge's layers of the programme a codec is sent, and whether as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bridge.sip.wire.picture_formats import Format

LEAST = 0.5  # of the lines that a codec takes: what passes with fewer is coded anew from more


class Bounds(NamedTuple):
    """What pictures a codec is sent at most: lines, pictures a second, bit/s."""

    height: int = 720
    frame_rate: float = 30.0
    bitrate: int = 1_500_000


class Layer(NamedTuple):
    """A layer of pictures at the bridge: lines, and pictures a second."""

    height: int
    frame_rate: float


class Choice(NamedTuple):
    """Lines of the layer that the bridge is asked for, and whether the codec takes it as it is."""

    lines: int
    passes: bool


def layer_for(layers: Iterable[Layer], form: Format, bounds: Bounds, *, codec: str) -> Choice:
    """The layer of ``codec`` (in capitals) for a codec of this format. It passes where the codec
    takes H.264 of this kind, and a layer is as good as it takes; otherwise the smallest that is as
    large as the codec takes is coded anew."""
    _, limit = form.largest(bounds.height, bounds.frame_rate)
    known = sorted(layers) or [Layer(bounds.height, bounds.frame_rate)]
    source = next((layer for layer in known if layer.height >= limit), known[-1])
    if codec == "H264" and form.mode == 1 and form.takes_baseline:
        taken = [layer for layer in known if _taken(layer, form, bounds)]
        if taken and (taken[-1] == source or taken[-1].height >= LEAST * limit):
            return Choice(taken[-1].height, True)
    return Choice(source.height, False)


def _taken(layer: Layer, form: Format, bounds: Bounds) -> bool:
    return (
        layer.height <= bounds.height
        and layer.frame_rate <= bounds.frame_rate
        and form.takes(layer.height * 16 // 9, layer.height, layer.frame_rate)
    )
