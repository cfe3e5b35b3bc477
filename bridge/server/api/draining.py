"""The media workers of points, and how one of them, or this whole host, is emptied."""

from __future__ import annotations

import msgspec

from bridge.accounts.auth import Denied
from bridge.server.api.routes import Call, Route


class PointsWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A media worker of points: its UDP ``port``, the ``conferences`` that it holds, the
    ``connections`` of rooms and consoles, the part of a core that it used lately. ``open``: it may
    be given conferences."""

    id: str
    ready: bool
    open: bool
    port: int
    conferences: int
    connections: int
    cpu: float


class PointsWorkers(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; ``moving`` sessions are on the way from one to another."""

    workers: tuple[PointsWorker, ...]
    moving: int


class Drain(msgspec.Struct, frozen=True, kw_only=True):
    """What a drain has begun with: the ``hosts`` of which one leads next, and the ``connections``
    that are to come over."""

    hosts: tuple[str, ...]
    connections: int


async def show(call: Call) -> PointsWorkers:
    control = call.services.control
    routes, media = control.routes, control.topology.current.bridge.media
    return PointsWorkers(
        workers=tuple(
            PointsWorker(
                id=name,
                ready=one.ready,
                open=name not in routes.closed,
                port=media.port + int(name) if media.port else 0,
                conferences=routes.held(name),
                connections=_connections(call, name),
                cpu=round(routes.cpu_of(name), 3),
            )
            for name, one in routes.by_name.items()
        ),
        moving=control.moves.under_way,
    )


def _connections(call: Call, worker: str) -> int:
    control = call.services.control
    return sum(
        control.routes.holder(transport) == worker
        for session in control.sessions.all()
        for transport in session.transports
    )


async def drain(call: Call) -> Drain:
    """Let another host lead, and this one's rooms come over to it."""
    services = call.services
    if services.hand_over is None:
        raise Denied(409, "drain.one_host")
    connections = sum(session.transport_up for session in services.control.sessions.all())
    try:
        hosts = await services.hand_over.begin(
            services.engine, services.accounts, connections, services.conductor.now()
        )
    except LookupError as error:
        await call.note("drain", outcome="refused")
        raise Denied(409, str(error.args[0])) from None
    await call.note("drain", " ".join(hosts))
    return Drain(hosts=tuple(hosts), connections=connections)


async def drain_worker(call: Call) -> PointsWorkers:
    """Let a worker hold no conferences any more; those that it has go to another one."""
    worker = _worker(call)
    routes = call.services.control.routes
    others = [
        name
        for name, one in routes.by_name.items()
        if name != worker and one.ready and name not in routes.closed
    ]
    if not others:
        await call.note("drain_worker", worker, "refused")
        raise Denied(409, "drain.one_worker")
    routes.empty(worker)
    call.services.control.presence.settle()
    await call.note("drain_worker", worker)
    return await show(call)


async def reopen_worker(call: Call) -> PointsWorkers:
    """Let a worker that was drained hold conferences again."""
    worker = _worker(call)
    call.services.control.routes.reopen(worker)
    call.services.control.presence.settle()
    await call.note("reopen_worker", worker)
    return await show(call)


def _worker(call: Call) -> str:
    worker = call.param("id")
    if worker not in call.services.control.routes.by_name:
        raise Denied(404, "drain.no_worker", worker=worker[:20])
    return worker


ROUTES = [
    Route(
        "GET",
        "/api/v1/workers",
        show,
        None,
        "The media workers of points: what each one holds",
        answer=PointsWorkers,
    ),
    Route(
        "POST",
        "/api/v1/drain",
        drain,
        "admin",
        "Let another host lead, and rooms come over to it without a gap",
        answer=Drain,
        status=202,
    ),
    Route(
        "POST",
        "/api/v1/workers/{id}/drain",
        drain_worker,
        "admin",
        "Give a media worker's conferences to the others without a gap",
        answer=PointsWorkers,
    ),
    Route(
        "POST",
        "/api/v1/workers/{id}/reopen",
        reopen_worker,
        "admin",
        "Let a media worker that was drained hold conferences again",
        answer=PointsWorkers,
    ),
]
