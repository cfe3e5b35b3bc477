"""The bridge of the demo: a control process on loopback addresses and free ports, which the
command line can find."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from bridge.app.credentials import LOCAL_ADDRESS, LOCAL_TOKEN
from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.base.files import write_private
from bridge.demo.ports import another_answers, free_port, is_loopback, is_taken
from config.schema import Topology


def first_points(topology: Topology, count: int, always: Iterable[str] = ()) -> Topology:
    """The topology with ``count`` of its points only: the chair, those of ``always``, and the
    first of the others."""
    kept = dict.fromkeys([topology.conference.chair, *always])
    for point in topology.points:
        if len(kept) < count:
            kept.setdefault(point.id)
    points = [point for point in topology.points if point.id in kept]
    templates = [t.model_copy(update={"points": [], "expected": []}) for t in topology.templates]
    return topology.model_copy(update={"points": points, "templates": templates})


def on_free_ports(topology: Topology) -> Topology:
    """The topology with other ports where the usual ones are taken (by another demo, say). Raises
    `StartError` where it listens on other addresses than loopback."""
    bridge = topology.bridge
    if not all(is_loopback(host) for host in [bridge.web.listen, *bridge.media.listen]):
        raise StartError("The demo listens on loopback addresses only; this topology does not.")
    media = bridge.media
    if is_taken(media.listen[0], media.port, socket.SOCK_DGRAM):
        media = media.model_copy(update={"port": 0})
    web = bridge.web
    if is_taken(web.listen, web.port, socket.SOCK_STREAM):
        web = web.model_copy(update={"port": 0})
    metrics = bridge.metrics
    if is_taken(metrics.listen, metrics.port, socket.SOCK_STREAM):
        metrics = metrics.model_copy(update={"port": 0})
    bridge = bridge.model_copy(update={"media": media, "web": web, "metrics": metrics})
    probes = topology.probes
    hosts = [p.probe for p in topology.points if is_loopback(p.probe)]
    if hosts and is_taken(str(hosts[0]), probes.port, socket.SOCK_DGRAM):
        port = free_port(str(hosts[0]), socket.SOCK_DGRAM)
        probes = probes.model_copy(update={"port": port})
    return topology.model_copy(update={"bridge": bridge, "probes": probes})


@contextlib.asynccontextmanager
async def loopback_bridge(topology: Topology, state: Path) -> AsyncIterator[ControlProcess]:
    """Run the demo's control process, which keeps everything in the folder ``state``. Raises
    `StartError`."""
    process = ControlProcess(
        on_free_ports(topology), state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process:
        yield process


def announce(url: str, state: Path, local: Path) -> list[Path]:
    """Let the command line (ready, conference, point) find the demo's bridge: copy its address and
    token into ``local``, where it looks for the served bridge, unless that one runs. Return the
    files made. Raises OSError."""
    made: list[Path] = []
    if another_answers(local / LOCAL_ADDRESS, url):
        return made
    local.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (LOCAL_TOKEN, LOCAL_ADDRESS):
        path = local / name
        write_private(path, (state / name).read_bytes())
        made.append(path)
    return made
