"""Cameras that points' agents steer: what each agent is told of its camera, and presets that
operators call, by the console's keys or over REST."""

from __future__ import annotations

import logging
from pathlib import Path

from bridge.accounts.auth import Auth
from bridge.agents import protocol as p
from bridge.agents.registry import AgentAway, Agents
from bridge.base import logs
from bridge.base.i18n import sentence
from bridge.base.roles import Right
from bridge.conference.model import Actor, Refusal
from bridge.control.control import Control
from config.camera_schema import CameraControl

log = logging.getLogger("agents")

RIGHT: Right = "direct"
LIMIT = 6.5  # seconds for agent and camera; pages wait 8 for an answer


class Cameras:
    """Tells agents of their cameras and has them go to presets. ``folder`` is what paths in the
    topology refer to."""

    def __init__(self, agents: Agents, control: Control, folder: Path) -> None:
        self._agents = agents
        self._control = control
        self._folder = folder
        self._told: dict[str, tuple[CameraControl, p.Camera]] = {}

    def of_point(self, point: str) -> p.Camera:
        """What the agent of a point is told; a password is read again when the topology was."""
        wanted = self._wanted(point)
        if wanted is None:
            return p.Camera()
        known = self._told.get(point)
        if known is None or known[0] is not wanted:
            known = self._told[point] = (wanted, self._camera(point, wanted))
        return known[1]

    async def call(self, point: str, number: int, actor: Actor) -> Refusal | None:
        """Have a point's camera go to a preset; why it does not, None where it does."""
        refused = self._refused(point, number, actor)
        if refused is not None:
            return refused
        control, wanted = self._control, self._wanted(point)
        preset = wanted.preset(number) if wanted is not None else None
        assert preset is not None
        move = control.cameras.begin(point, number, control.conductor.now())
        if move is None:
            return Refusal(key="preset.busy", arguments={"point": point})
        control.publisher.publish()
        result = "no_agent"
        problem: Refusal | None = Refusal(key="api.agent_away", arguments={"point": point})
        try:
            outcome = await self._agents.preset(point, preset.at_camera, LIMIT)
            result = "done" if outcome.ok else outcome.camera or "nonsense"
            problem = _problem(result, point, preset.at_camera)
            if problem is not None:
                with logs.context(point=point):
                    log.warning("a preset was not taken: %s (%s)", result, outcome.detail)
        except AgentAway:
            pass
        finally:
            said = sentence(problem.key, **problem.arguments) if problem is not None else None
            control.cameras.end(point, move, said)
            control.observer.preset_called(result)
            control.publisher.publish()
        return problem

    def _refused(self, point: str, number: int, actor: Actor) -> Refusal | None:
        """Why nothing is asked of a camera at all."""
        if point not in self._control.topology.points:
            return Refusal(key="refusal.unknown_point", arguments={"point": point})
        conference = self._control.conductor.conference_of(point)
        director = conference.director if conference is not None else None
        if director not in (None, actor.name):
            return Refusal(key="refusal.other_director", arguments={"user": str(director)})
        wanted = self._wanted(point)
        if wanted is None:
            return Refusal(key="preset.no_camera", arguments={"point": point})
        if wanted.preset(number) is None:
            arguments = {"number": str(number), "point": point}
            return Refusal(key="preset.not_configured", arguments=arguments)
        return None

    def _wanted(self, point: str) -> CameraControl | None:
        found = self._control.topology.current.point(point)
        return found.camera_control if found is not None else None

    def _camera(self, point: str, wanted: CameraControl) -> p.Camera:
        password = ""
        if wanted.password is not None:
            try:
                password = (self._folder / wanted.password).read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                with logs.context(point=point):
                    log.error("the camera's password cannot be read: %s", error)
        return p.Camera(
            kind=wanted.kind,
            address=wanted.address,
            port=wanted.at_port,
            user=wanted.user or "",
            password=password,
        )


def _problem(result: str, point: str, token: str) -> Refusal | None:
    """Why a camera did not go to a preset; None where it did."""
    if result == "done":
        return None
    arguments = {"point": point} | ({"preset": token} if result == "missing" else {})
    return Refusal(key=f"preset.{result}", arguments=arguments)


async def call_preset(
    cameras: Cameras,
    auth: Auth,
    point: str,
    number: int,
    actor: Actor,
    *,
    may: bool,
    address: str,
) -> Refusal | None:
    """Have a point's camera go to a preset; why it does not, None where it does. It changes nothing
    of a conference, so it stands in the audit trail and in no log. ``may`` is whether the asker has
    `RIGHT`, ``address`` where the asker is."""
    refused = Refusal(key="refusal.not_allowed")
    if may:
        found = await cameras.call(point, number, actor)
        if found is None:
            await auth.note(actor.label, address, f"camera preset {number}", point)
            return None
        refused = found
    await auth.note(actor.label, address, f"camera preset {number}", point[:64], refused.key)
    return refused
