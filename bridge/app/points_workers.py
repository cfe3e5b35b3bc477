"""Links to the workers that serve points, as many as the topology asks for, and their figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.control.control import Control
from bridge.control.placing.active_workers import FIRST
from bridge.control.worker_link import WorkerLink
from bridge.lines.media_quality import MediaQuality
from bridge.lines.watch import HealthWatch
from bridge.media import messages as m
from bridge.telemetry.meters import Meters
from config.schema import Topology


def names_of(topology: Topology) -> tuple[str, ...]:
    """Their names, in figures; those of an audience's workers follow."""
    return tuple(str(number) for number in range(topology.bridge.workers))


def socket_of(state: Path, name: str) -> Path:
    """The control socket of one of them."""
    return state / ("worker.sock" if name == FIRST else f"worker-{name}.sock")


def make_links(
    topology: Topology,
    state: Path,
    on_event: Callable[[m.Event, str], None],
    on_down: Callable[[str], None],
    *,
    with_parent: bool,
    own: bool,
) -> dict[str, WorkerLink]:
    """Worker n has the media port n above the topology's, and its control socket in ``state``.
    Unless they are our ``own``, somebody else starts them."""
    media = topology.bridge.media

    def make(name: str) -> WorkerLink:
        return WorkerLink(
            control=socket_of(state, name),
            hosts=media.listen,
            port=media.port + int(name) if media.port else 0,
            with_parent=with_parent,
            estimation=topology.media.estimation,
            on_event=lambda event: on_event(event, name),
            on_down=lambda: on_down(name),
            own=own,
            spare=media.spare,
        )

    return {name: make(name) for name in names_of(topology)}


class PointsFigures:
    """Takes in what workers say of themselves every two seconds."""

    def __init__(
        self, control: Control, meters: Meters, quality: MediaQuality, health: HealthWatch
    ) -> None:
        self._control = control
        self._meters = meters
        self._quality = quality
        self._health = health

    def of(self, worker: str) -> Callable[[m.Stats], None]:
        """What takes the figures of one worker in."""
        return lambda stats: self._take(stats, worker)

    def _take(self, stats: m.Stats, worker: str) -> None:
        control = self._control
        stats = control.routes.counted(stats)
        identity = control.routes.by_name[worker].worker
        self._meters.take_worker(stats, worker, identity, control.topology.points)
        control.routes.measured(worker, self._meters.workers[worker].cpu)
        now = control.conductor.now()
        found = self._quality.feed(stats, control.clock(), now, worker)
        self._health.take_media(found, self._quality.heard)
