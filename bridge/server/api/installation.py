"""The bundle for room PCs, and updates of the agents that are there."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.agents.rollout import Phase, Rollout, Step
from bridge.agents.updates import AlreadyRunning
from bridge.base.i18n import Sentence, sentence
from bridge.server.api.routes import Call, Route
from bridge.server.bundle import FIRST, FIRST_PATH, Bundle, first_stage, line, usable_address

BLOCK = 64 << 10  # octets written at once
# Octets a second of one download: it fills neither a line of 20 Mbit/s nor the bridge.
PACE = 1 << 20


class AgentRelease(msgspec.Struct, frozen=True, kw_only=True):
    """The agent of a point: which release it is, "" where it is not connected."""

    point: str
    release: str


class UpdateStep(msgspec.Struct, frozen=True, kw_only=True):
    """How far a point is with an update; ``reason`` is there where it was skipped or failed."""

    point: str
    before: str
    phase: Phase
    reason: Sentence | None
    detail: str


class AgentReleases(msgspec.Struct, frozen=True, kw_only=True):
    """Which releases the agents are, which one the bridge has for them ("": none), and the update
    that runs or ran last."""

    offered: str
    agents: tuple[AgentRelease, ...]
    running: bool
    update: tuple[UpdateStep, ...]


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points whose agents are to be updated, in this order; empty: all."""

    points: tuple[str, ...] = ()


async def the_bundle(call: Call) -> Bundle:
    """The bundle. Raises `Denied` where this bridge has none."""
    bundle = await call.services.bundles.current()
    if bundle is None:
        raise Denied(404, "api.no_bundle")
    return bundle


async def first_stage_of(call: Call, bundle: Bundle) -> bytes:
    """The first stage for a bundle, as it is served."""
    path = call.services.certificate
    authority = path.read_text("ascii") if path is not None and path.exists() else ""
    return first_stage(FIRST.read_text("utf-8"), bundle.sha256, bundle.size, authority)


async def installation_line(call: Call, address: str, code: str) -> str:
    """The line that installs an agent from an address of this bridge. Raises `Denied` for what is
    no address; "" without one, or without a bundle."""
    if not address:
        return ""
    if not usable_address(address):
        raise Denied(422, "api.bad_address")
    found = await call.services.bundles.current()
    return line(address, await first_stage_of(call, found), code) if found is not None else ""


async def first(call: Call) -> web.Response:
    """The program that a new room PC runs first. Nothing secret is in it."""
    body = await first_stage_of(call, await the_bundle(call))
    return web.Response(body=body, content_type="text/x-python", charset="utf-8")


async def bundle(call: Call) -> web.StreamResponse:
    """The bundle, at a pace that leaves room for conferences."""
    found = await the_bundle(call)
    if call.services.downloads.locked():
        raise Denied(503, "api.bundle_busy")
    async with call.services.downloads:
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": 'attachment; filename="diem-cau.pyz"',
                "Content-Length": str(found.size),
                "ETag": f'"{found.sha256}"',
            }
        )
        await response.prepare(call.request)
        await _send(response, found)
    return response


async def _send(response: web.StreamResponse, bundle: Bundle) -> None:
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    with bundle.path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            await response.write(block)
            sent += len(block)
            ahead = sent / PACE - (loop.time() - begun)
            if ahead > 0:
                await asyncio.sleep(ahead)


async def show(call: Call) -> AgentReleases:
    bundle = await call.services.bundles.current()
    agents = call.services.agents
    present = {agent.point: agent.version for agent in agents.all()}
    updates = call.services.updates
    return AgentReleases(
        offered=bundle.release if bundle is not None else "",
        agents=tuple(
            AgentRelease(point=point, release=present.get(point, ""))
            for point in call.services.control.topology.points
        ),
        running=updates.running,
        update=_steps(updates.rollout),
    )


async def update(call: Call) -> AgentReleases:
    """Begin to update agents, one by one. Raises `Denied` where that cannot be."""
    body: UpdateBody = call.body
    known = call.services.control.topology.points
    for point in body.points:
        if point not in known:
            raise Denied(404, "refusal.unknown_point", point=point[:64])
    found = await the_bundle(call)
    try:
        call.services.updates.begin(found.offer, tuple(dict.fromkeys(body.points)) or tuple(known))
    except AlreadyRunning:
        raise Denied(409, "api.update_runs") from None
    await call.note("agents update", found.release)
    return await show(call)


def _steps(rollout: Rollout | None) -> tuple[UpdateStep, ...]:
    return tuple(_step(step) for step in rollout.steps) if rollout is not None else ()


def _step(step: Step) -> UpdateStep:
    return UpdateStep(
        point=step.point,
        before=step.before,
        phase=step.phase,
        reason=sentence(f"rollout.{step.reason}", detail=step.detail) if step.reason else None,
        detail=step.detail,
    )


ROUTES = [
    Route(
        "GET",
        FIRST_PATH,
        first,
        "public",
        "What a new room PC runs first",
        media_type="text/x-python",
    ),
    Route(
        "GET",
        "/api/v1/bundle",
        bundle,
        "public",
        "The bundle that installs agents",
        media_type="application/octet-stream",
    ),
    Route(
        "GET",
        "/api/v1/agents",
        show,
        "admin",
        "Releases of the agents, and how an update goes",
        answer=AgentReleases,
    ),
    Route(
        "POST",
        "/api/v1/agents/update",
        update,
        "admin",
        "Update agents, one by one",
        UpdateBody,
        AgentReleases,
        202,
    ),
]
