"""A province's bridge and a district's on this machine, each with its control process, its worker
and simulated points. Everything stays on 127.0.12.0/24 and in the folder that is given."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.app.process import ControlProcess
from bridge.control.peers import pinned
from config.loader import load
from config.peers_schema import Peer, Peering
from config.schema import Name, Point, Topology
from config.template_schema import Template
from tests.live.support import free_port, simulated_points
from tests.paths import ROOT

HOST = "127.0.12.100"
UPPER, LOWER = "127.0.12.101", "127.0.12.102"  # media of either bridge
PROVINCE_POINTS = ("hoi-truong", "phong-hop")
DISTRICT_POINTS = ("chi-ne", "an-binh")
MEETING = "hop-tinh"
DEMO = load(ROOT / "config" / "lac-thuy.yaml")
NUMBERS = {p.id: n for n, p in enumerate(DEMO.points, 1)}
"""In cards and tones: of all points of both bridges."""


@dataclass(frozen=True)
class Tree:
    """Both control processes."""

    province: ControlProcess
    district: ControlProcess


def topology(host: str, points: tuple[str, ...], peer: Peer, name: str, listens: int) -> Topology:
    """A topology of these points of the demo, and one more that is the other bridge, which
    connects to the port ``listens``; 0: we connect to it."""
    bridge = DEMO.bridge
    media = bridge.media.model_copy(
        update={"listen": [host], "port": free_port(socket.SOCK_DGRAM, host), "spare": False}
    )
    other = Point(
        id=peer.point, name=Name(vi=name, en=name), tier="district", link=DEMO.points[0].link
    )
    template = Template(
        id=MEETING,
        title=Name(vi="Họp trực tuyến toàn tỉnh", en="Provincial meeting"),
        points=[*points, peer.point],
        chair=peer.point if peer.side == "above" else points[0],
    )
    changed = bridge.model_copy(
        update={
            "web": bridge.web.model_copy(update={"port": 0}),
            "media": media,
            "metrics": bridge.metrics.model_copy(update={"port": 0}),
            "peering": Peering(listen=HOST if listens else None, port=listens or 7444),
        }
    )
    return DEMO.model_copy(
        update={
            "points": [*(point for point in DEMO.points if point.id in points), other],
            "peers": [peer],
            "templates": [template],
            "bridge": changed,
            "conference": DEMO.conference.model_copy(update={"chair": points[0]}),
            "probes": DEMO.probes.model_copy(update={"port": free_port(socket.SOCK_DGRAM, HOST)}),
        }
    )


def certificates(folder: Path) -> None:
    """Each has its own, and the other's."""
    now = datetime.datetime.now(datetime.UTC)
    for name in ("province", "district"):
        pinned.make(folder / name, name, now)
    shutil.copy(folder / "province" / pinned.CERTIFICATE, folder / "district" / "tinh.crt")
    shutil.copy(folder / "district" / pinned.CERTIFICATE, folder / "province" / "huyen.crt")


def topologies(**district: Any) -> tuple[Topology, Topology]:
    """Of the province, which listens, and of the district, which connects."""
    port = free_port(socket.SOCK_STREAM, HOST)
    down = Peer(id="lac-thuy", point="lac-thuy", side="below", certificates=["huyen.crt"])
    up = Peer(
        id="tinh",
        point="tinh",
        side="above",
        address=[HOST],
        port=port,
        certificates=["tinh.crt"],
        **district,
    )
    return (
        topology(UPPER, PROVINCE_POINTS, down, "Huyện Lạc Thủy", port),
        topology(LOWER, DISTRICT_POINTS, up, "Tỉnh Hòa Bình", 0),
    )


def process(made: Topology, folder: Path, *, keep_worker: bool = False) -> ControlProcess:
    """A control process of a topology; ``keep_worker`` leaves its worker behind at its end."""
    return ControlProcess(
        made, state=folder, folder=folder, with_parent=not keep_worker, keep_worker=keep_worker
    )


def simulated(
    served: ControlProcess, points: tuple[str, ...]
) -> contextlib.AbstractAsyncContextManager[None]:
    """Points of a bridge in a process of their own."""
    return simulated_points(served, points, light=True, numbers=NUMBERS)


@contextlib.asynccontextmanager
async def tree(folder: Path, **district: Any) -> AsyncIterator[Tree]:
    """Both run, and have not met yet; nobody is in a conference."""
    certificates(folder)
    upper, lower = topologies(**district)
    province = process(upper, folder / "province")
    below = process(lower, folder / "district")
    async with (
        province,
        below,
        simulated(province, PROVINCE_POINTS),
        simulated(below, DISTRICT_POINTS),
    ):
        yield Tree(province, below)


def seen(served: ControlProcess, point: str, slot: str = "programme") -> tuple[str, float]:
    """Whose card or tone a room sees or hears in a slot, and since when (monotonic), as its page
    reports about once a second."""
    session = served.control.sessions.of_point(point)
    report = session.reports.get(slot) if session is not None else None
    return (report.point, report.since) if report is not None else ("", 0.0)
