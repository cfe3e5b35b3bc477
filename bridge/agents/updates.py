"""Carries out a rollout: asks one agent after the other and waits for each. No policy of its own,
that is `bridge.agents.rollout`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from bridge.agents import rollout as r
from bridge.agents.registry import AgentAway, Agents
from bridge.base import logs

log = logging.getLogger("agents")

# Seconds that an agent has to fetch and unpack a bundle: 150 MB over 2 Mbit/s, and a slow disk.
PREPARE_WITHIN = 900.0
# Seconds until it is back: the launcher's 90 s for the new one, and the start of the old one.
BACK_WITHIN = 180.0


class Offer(NamedTuple):
    """The bundle that agents are to get: its release, SHA-256 (hexadecimal), size in octets."""

    release: str
    sha256: str
    size: int


class AlreadyRunning(Exception):
    """There is one rollout at a time."""


class Updates:
    """The rollout that runs, and the last one. ``busy`` tells the points in a conference."""

    def __init__(
        self,
        agents: Agents,
        busy: Callable[[], Collection[str]],
        *,
        prepare_within: float = PREPARE_WITHIN,
        back_within: float = BACK_WITHIN,
    ) -> None:
        self._agents = agents
        self._busy = busy
        self._prepare_within = prepare_within
        self._back_within = back_within
        self._rollout: r.Rollout | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def rollout(self) -> r.Rollout | None:
        """The one that runs, or the last one; None: there was none."""
        return self._rollout

    def begin(self, offer: Offer, points: Sequence[str]) -> r.Rollout:
        """Begin a rollout to points. Raises `AlreadyRunning`."""
        if self.running:
            raise AlreadyRunning
        present = {agent.point: agent.version for agent in self._agents.all()}
        self._rollout = r.plan(offer.release, points, present)
        self._task = asyncio.create_task(self._run(offer, self._rollout))
        return self._rollout

    async def close(self) -> None:
        """Stop asking further agents; what an agent has begun it goes on with."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, offer: Offer, rollout: r.Rollout) -> None:
        while (step := rollout.next) is not None:
            with logs.context(point=step.point):
                step = r.begun(step, self._busy())
                self._rollout = rollout = r.put(rollout, step)
                if step.phase == "preparing":
                    agent = self._agents.of_point(step.point)
                    step = await self._prepare(offer, step)
                    self._rollout = rollout = r.put(rollout, step)
                if step.phase == "trying":
                    back = await self._agents.come_back(step.point, agent, self._back_within)
                    detail = back.report.failed if back is not None and back.report else ""
                    version = back.version if back is not None else None
                    step = r.tried(step, offer.release, version, detail)
                    self._rollout = rollout = r.put(rollout, step)
                said = log.warning if step.phase in r.BAD else log.info
                said("update to %s: %s %s", offer.release, step.phase, step.reason)

    async def _prepare(self, offer: Offer, step: r.Step) -> r.Step:
        try:
            outcome = await self._agents.update(step.point, *offer, timeout=self._prepare_within)
        except AgentAway:
            return r.prepared(step, None, "")
        return r.prepared(step, outcome.ok, outcome.detail)
