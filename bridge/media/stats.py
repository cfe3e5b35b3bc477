"""Snapshots of the core's figures for the control process. Read at request time only."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.media import messages as m
from bridge.media.core import MediaCore
from bridge.media.transport import Transport
from monitoring.statistics import percentile


def delay_summary(samples: Sequence[float]) -> tuple[float, float, float]:
    """p50, p99 and p99.9 in µs of delays in seconds; 0 where there are none."""
    if not samples:
        return 0.0, 0.0, 0.0
    ordered = sorted(samples)
    p50, p99, p999 = (round(percentile(ordered, p) * 1e6, 1) for p in (0.5, 0.99, 0.999))
    return p50, p99, p999


def transport_stats(core: MediaCore, transport: Transport, now: float) -> m.TransportStats:
    sources = []
    for source in transport.sources.values():
        for layer in source.layers.values():
            sources.append(
                m.SourceStats(
                    name=source.spec.name,
                    rid=layer.rid,
                    packets=layer.received,
                    octets=layer.octets,
                    lost=max(0, layer.highest - layer.base_index + 1 - layer.received),
                    recovered=layer.recovered,
                    nacked=layer.nacked,
                    unrepaired=layer.lost_unrepaired,
                    jitter_ms=round(layer.jitter / layer.clock_rate * 1000, 2),
                    active=layer.is_active(now),
                    key_frame_requests=layer.key_frame_requests,
                )
            )
    return m.TransportStats(
        transport=transport.id,
        label=transport.label,
        state=transport.state,
        rtt_ms=round(transport.rtt * 1000, 2),
        remb=transport.remb,
        downlink_loss=round(transport.downlink_loss, 4),
        allocation=core.distributor.budget_of(transport, now),
        sources=tuple(sources),
        slots=tuple(
            m.SlotStats(
                name=slot.name,
                packets=slot.packets,
                octets=slot.octets,
                receiver_loss=round(slot.receiver_loss, 4),
                kind="audio" if slot.kind == "audio" else "video",
                shows=slot.layer.source.spec.name if slot.layer is not None else "",
                layer=slot.layer.rid if slot.layer is not None else "",
                lost=slot.lost,
                nacks=slot.nacks,
                rtx=slot.rtx,
                key_frame_requests=slot.key_frame_requests,
            )
            for slot in transport.slots.values()
        ),
    )


def all_transports(core: MediaCore, now: float) -> tuple[m.TransportStats, ...]:
    return tuple(transport_stats(core, t, now) for t in core.transports.values())
