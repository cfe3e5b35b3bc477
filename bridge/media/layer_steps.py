"""The ways to show one layer, with what each takes: as measured, or as meant while it is away."""

from __future__ import annotations

from bridge.media import messages as m
from bridge.media.congestion.allocation import Step
from bridge.media.layer import Layer
from bridge.media.transport import Source

LEAST = 0.3  # of its nominal bitrate: what a quiet layer is planned with
OVERHEAD = 1.06  # times a nominal bitrate: headers


def measured(layer: Layer, rid: str, spec: m.LayerSpec | None, now: float) -> list[Step]:
    """The steps of a layer that is there: as it was meant, until it is known."""
    meter = layer.meter
    if spec is not None and spec.bitrate and not meter.settled(now):
        return meant(spec, layer.source, now)
    whole = Step(rid, -1, meter.bitrate, frame_rate=meter.frame_rate)
    if spec is not None:
        whole = whole._replace(bitrate=max(meter.bitrate, spec.bitrate * LEAST), height=spec.height)
    return [*_temporal(whole, layer), whole]


def meant(spec: m.LayerSpec, source: Source, now: float) -> list[Step]:
    """The steps of a layer that is not there yet: as its neighbours have them."""
    whole = Step(spec.rid, -1, spec.bitrate * OVERHEAD, spec.height, float(spec.frame_rate))
    like = next((layer for layer in source.layers.values() if layer.meter.settled(now)), None)
    return [*(_temporal(whole, like) if like is not None else ()), whole]


def _temporal(whole: Step, like: Layer) -> list[Step]:
    """The lower temporal steps of a layer, in the proportions that ``like`` has them."""
    meter = like.meter
    if not meter.temporal or not meter.bitrate or not meter.frame_rate:
        return []
    return [
        whole._replace(
            temporal=temporal,
            bitrate=whole.bitrate * bitrate / meter.bitrate,
            frame_rate=whole.frame_rate * meter.frame_rates[temporal] / meter.frame_rate,
        )
        for temporal, bitrate in enumerate(meter.bitrates[:-1])
    ]
