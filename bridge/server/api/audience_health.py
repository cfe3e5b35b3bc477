"""The workers and machines that serve viewers, for whoever looks after the bridge."""

from __future__ import annotations

import msgspec

from bridge.audience.worker_health import AudienceWorker
from bridge.server.api.routes import Call, Route


class AudienceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Who serves viewers, and how many do so by HLS (``by_hls``), which the control process does
    itself. ``own`` says whether there are workers for viewers alone."""

    now: float
    own: bool
    by_hls: int
    workers: tuple[AudienceWorker, ...]


async def show(call: Call) -> AudienceHealth:
    audience = call.services.audience
    return AudienceHealth(
        now=call.services.conductor.now(),
        own=bool(audience.fleet.members),
        by_hls=len(audience.hls),
        workers=tuple(audience.fleet.health(audience.viewers)),
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/audience",
        show,
        None,
        "Workers and machines that serve viewers: how each is, and what to do where one is away",
        answer=AudienceHealth,
    ),
]
