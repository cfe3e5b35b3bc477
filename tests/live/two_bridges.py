"""A province's bridge and a district's on this machine, with simulated points at both."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bridge.app.process import ControlProcess
from bridge.control.peers import pinned
from config.peers_schema import Peer, Peering
from config.schema import Name, Point, Topology
from config.template_schema import Template
from tests.live import support

HOST = "127.0.12.100"
UPPER, LOWER = "127.0.12.101", "127.0.12.102"  # media of either bridge
PROVINCE_POINTS = ["hoi-truong", "phong-hop"]
DISTRICT_POINTS = ["chi-ne", "an-binh"]
MEETING = "hop-tinh"
NUMBERS = {p.id: n for n, p in enumerate(support.topology().points, 1)}
"""In cards and tones: of all points of both bridges."""


@dataclass(frozen=True)
class Tree:
    province: ControlProcess
    district: ControlProcess


def topology(
    host: str, points: list[str], peer: Peer, name: str, folder: Path, *, listens: int = 0
) -> Topology:
    """A topology of these points of the demo, and one more that is the other bridge."""
    loaded = support.topology(port=support.free_port(socket.SOCK_DGRAM, host), listen=[host])
    link = loaded.points[0].link
    other = Point(id=peer.point, name=Name(vi=name, en=name), tier="district", link=link)
    kept = [point for point in loaded.points if point.id in points]
    everybody = [*points, peer.point]
    chair = peer.point if peer.side == "above" else points[0]
    template = Template(
        id=MEETING,
        title=Name(vi="Họp trực tuyến toàn tỉnh", en="Provincial meeting"),
        points=everybody,
        chair=chair,
    )
    peering = Peering(listen=HOST if listens else None, port=listens or 7444)
    metrics = loaded.bridge.metrics.model_copy(update={"port": 0})
    bridge = loaded.bridge.model_copy(update={"peering": peering, "metrics": metrics})
    conference = loaded.conference.model_copy(update={"chair": points[0]})
    _ = folder
    return loaded.model_copy(
        update={
            "points": [*kept, other],
            "peers": [peer],
            "templates": [template],
            "bridge": bridge,
            "conference": conference,
        }
    )


def certificates(folder: Path) -> None:
    """Each has its own, and the other's."""
    now = datetime.datetime.now(datetime.UTC)
    for name in ("province", "district"):
        pinned.make(folder / name, name, now)
    shutil.copy(folder / "province" / pinned.CERTIFICATE, folder / "district" / "tinh.crt")
    shutil.copy(folder / "district" / pinned.CERTIFICATE, folder / "province" / "huyen.crt")


def topologies(folder: Path, **district: object) -> tuple[Topology, Topology]:
    """Of the province, which listens, and of the district, which connects."""
    port = support.free_port(socket.SOCK_STREAM, HOST)
    down = Peer(id="lac-thuy", point="lac-thuy", side="below", certificates=["huyen.crt"])
    up = Peer(
        id="tinh",
        point="tinh",
        side="above",
        address=HOST,
        port=port,
        certificates=["tinh.crt"],
        **district,  # type: ignore[arg-type]
    )
    return (
        topology(UPPER, PROVINCE_POINTS, down, "Huyện Lạc Thủy", folder, listens=port),
        topology(LOWER, DISTRICT_POINTS, up, "Tỉnh Hòa Bình", folder),
    )


def process(topology: Topology, folder: Path, *, keep_worker: bool = False) -> ControlProcess:
    return ControlProcess(
        topology,
        state=folder,
        folder=folder,
        with_parent=not keep_worker,
        keep_worker=keep_worker,
    )


@contextlib.asynccontextmanager
async def tree(folder: Path, **district: object) -> AsyncIterator[Tree]:
    """Both run, and have not met yet; nobody is in a conference."""
    certificates(folder)
    upper, lower = topologies(folder, **district)
    province = process(upper, folder / "province")
    below = process(lower, folder / "district")
    async with (
        province,
        below,
        support.simulated_points(province, PROVINCE_POINTS, light=True, numbers=NUMBERS),
        support.simulated_points(below, DISTRICT_POINTS, light=True, numbers=NUMBERS),
    ):
        yield Tree(province, below)
