"""The worker's inventory: its transports, what they send, and what their slots show."""

from __future__ import annotations

from bridge.media import messages as m
from bridge.media.core import MediaCore
from bridge.media.transport import Transport


def inventory(core: MediaCore, addresses: tuple[m.MediaAddress, ...], now: float) -> m.Inventory:
    """What a control process needs in order to bring the worker to what is wanted of it;
    ``addresses`` are those at which media is received."""
    return m.Inventory(
        version=m.VERSION,
        worker=core.worker,
        fingerprint=m.Fingerprint(algorithm="sha-256", value=core.identity.fingerprint),
        addresses=addresses,
        transports=tuple(_transport_state(core, t, now) for t in core.transports.values()),
        audio=tuple(core.router.groups),
    )


def _transport_state(core: MediaCore, transport: Transport, now: float) -> m.TransportState:
    slots = []
    for slot in transport.slots.values():
        route = core.router.wanted(slot)
        shown = None
        if slot.layer is not None:
            shown = slot.layer.source.ref
        slots.append(
            m.SlotState(
                name=slot.name,
                kind="audio" if slot.kind == "audio" else "video",
                wanted=route.source if route is not None else None,
                shown=shown,
                layer=slot.layer.rid if slot.layer is not None else "",
                paused=slot.paused,
            )
        )
    return m.TransportState(
        transport=transport.id,
        label=transport.label,
        state=transport.state,
        profile=transport.keys.profile.name if transport.keys is not None else "",
        sources=tuple(
            m.SourceState(
                name=s.spec.name,
                kind=s.spec.kind,
                layers=tuple(layer.rid for layer in s.active(now)),
            )
            for s in transport.sources.values()
        ),
        slots=tuple(slots),
    )
