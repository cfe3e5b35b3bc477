"""The capacity test of a line: ramps up to what the conference needs, never above what the links
give to video, and never beside a conference."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.lines.watch import HealthWatch
from config.needs import Need, budget, path_to_root
from config.schema import Point
from monitoring.probing.delays import delays_of
from monitoring.probing.prober import Step, Target
from monitoring.probing.session import Probe
from monitoring.quality import readiness_rules as r

STEP_SECONDS = 1.0
SHARES = (0.4, 0.7, 1.0)  # of what the conference needs
PACKET = 1200  # octets of a packet
CARRIED_LOSS = 0.02  # share lost up to which a step counts as carried
OVERHEAD = 28  # octets of IP and UDP
SMALL = 160  # octets of a short reply, with IP and UDP
OBSERVER_UP = 64  # kbit/s that an observer is tested with on the way up: it sends no picture


class CapacityTest:
    """Runs ramps through the prober of ``health``. Tests of points behind one link run at once
    only as far as the link has room for them."""

    def __init__(self, topology: ActiveTopology, conductor: Conductor, health: HealthWatch) -> None:
        self._topology = topology
        self._conductor = conductor
        self._health = health
        self._in_use: dict[str, float] = {}  # kbit/s of tests that run, by link
        self._room_on_links = asyncio.Condition()

    async def run(self, point: Point, target: Target, need: Need) -> list[r.StepFound] | None:
        """Test one point; return what each step found. None where a conference with the point
        began meanwhile."""

        def allowed() -> bool:
            return self._conductor.conference_of(point.id) is None

        links = {link.id: link for link in self._topology.current.links}
        way = path_to_root(links[point.link], links)
        most = min(budget(link) for link in way)
        down = min(need.down, most)
        up = min(need.up if point.role == "member" else OBSERVER_UP, most)
        steps = [step(share, share * down, share * up) for share in SHARES]
        large = target._replace(style=replace(target.style, size=PACKET))
        async with self._share([link.id for link in way], float(max(down, up))):
            found = await self._health.prober.ramp(large, steps, allowed)
        if not allowed():
            return None
        return [found_by(probe, step_) for step_, probe in found]

    @contextlib.asynccontextmanager
    async def _share(self, way: list[str], rate: float) -> AsyncIterator[None]:
        """Wait until the tests that run leave room on every link of the way."""
        links = {link.id: link for link in self._topology.current.links}

        def fits() -> bool:
            return all(
                self._in_use.get(name, 0.0) == 0 or self._in_use[name] + rate <= budget(links[name])
                for name in way
            )

        async with self._room_on_links:
            await self._room_on_links.wait_for(fits)
            for name in way:
                self._in_use[name] = self._in_use.get(name, 0.0) + rate
        try:
            yield
        finally:
            async with self._room_on_links:
                for name in way:
                    self._in_use[name] = max(0.0, self._in_use[name] - rate)
                self._room_on_links.notify_all()


def carried(found: Sequence[r.StepFound]) -> int | None:
    """kbit/s that a line carries, by its test: of the directions that did not carry the last step
    the best step that came through, and what came through of the first where none did. None: it
    carried all that was asked. Pure."""
    least: list[float] = []
    for rates in ([(s.down, s.down_loss) for s in found], [(s.up, s.up_loss) for s in found]):
        if not rates or rates[-1][1] <= CARRIED_LOSS:
            continue
        first, lost = rates[0]
        least.append(max([first * (1 - lost), *(x for x, loss in rates if loss <= CARRIED_LOSS)]))
    return round(min(least)) if least else None


def step(share: float, down: float, up: float) -> Step:
    """A step of ``down`` and ``up`` kbit/s. The way up carries full replies, and short ones for
    the rest: every packet is answered."""
    packets = max(down, up) * 1000 / 8 / (PACKET + OVERHEAD)
    full, short = PACKET + OVERHEAD, SMALL
    wanted = up * 1000 / 8
    both = (wanted - packets * short) / (packets * (full - short)) if packets else 1.0
    return Step(share, packets, min(1.0, max(0.0, both)), STEP_SECONDS, down, up)


def found_by(probe: Probe, step_: Step) -> r.StepFound:
    """What a step's probe saw. What no reply came after is lost, too."""
    total = probe.sent_count
    down_lost = probe.down.lost + max(0, total - probe.down.expected)
    down_delay, up_delay = _delays(probe)
    return r.StepFound(
        share=step_.share,
        down=round(step_.down),
        up=round(step_.up),
        down_loss=round(down_lost / total, 4) if total else 1.0,
        up_loss=round(probe.up.lost / probe.up.expected, 4) if probe.up.expected else 1.0,
        down_delay=down_delay,
        up_delay=up_delay,
    )


def _delays(probe: Probe) -> tuple[float, float]:
    """Delay variation (p95) down and up, ms; 0 where there was no reply."""
    found = delays_of(list(probe.samples), probe.error)
    if found is None:
        return 0.0, 0.0
    return round(found.variation_down[1], 2), round(found.variation_up[1], 2)
