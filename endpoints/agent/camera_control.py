"""Steers the room's camera for the agent, one request at a time, and looks whether it is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

from endpoints.agent.camera_outcome import CameraError
from endpoints.agent.onvif_camera import OnvifCamera
from endpoints.agent.visca import ViscaCamera

log = logging.getLogger("agent")

LIMIT = 5.5  # seconds for one request; the bridge waits for its agent a little longer
LOOK_EVERY = 30.0  # seconds between looks whether the camera is there
NONE: dict[str, Any] = {"kind": ""}


class Camera(Protocol):
    """What cameras of all kinds do. Every method raises `CameraError`."""

    async def recall(self, token: str) -> None: ...

    async def look(self) -> None: ...

    async def close(self) -> None: ...


def camera_of(wanted: dict[str, Any]) -> Camera:
    """The camera that the bridge describes."""
    if wanted["kind"] == "visca":
        return ViscaCamera(wanted["address"], wanted["port"])
    return OnvifCamera(wanted["address"], wanted["port"], wanted["user"], wanted["password"])


class CameraControl:
    """The camera as the bridge last described it. ``changed`` is called when its state is another
    one; `state` is "" while none is described or nothing is known."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._wanted: dict[str, Any] = NONE
        self._made_for: dict[str, Any] = NONE
        self._camera: Camera | None = None
        self._turn = asyncio.Lock()
        self._described = asyncio.Event()
        self.state = ""
        self.detail = ""

    def describe(self, wanted: dict[str, Any]) -> None:
        """Take the bridge's description; an empty kind takes the camera away."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._described.set()

    async def run(self) -> None:
        """Look at the camera now and then, until cancelled."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._described.wait()
                self._described.clear()
                if self._wanted["kind"]:
                    with contextlib.suppress(CameraError):
                        await self._ask(lambda camera: camera.look())
                else:
                    self._note("", "")
        finally:
            if self._camera is not None:
                await self._camera.close()

    async def recall(self, token: str) -> None:
        """Go to a preset. Raises `CameraError`."""
        await self._ask(lambda camera: camera.recall(token))

    async def _ask(self, what: Callable[[Camera], Any]) -> None:
        try:
            async with asyncio.timeout(LIMIT), self._turn:
                await what(await self._present())
        except TimeoutError:
            self._note("timeout", "")
            raise CameraError("timeout", "the camera did not answer in time") from None
        except CameraError as error:
            there = error.why in ("missing", "refused")
            self._note("reached" if there else error.why, "" if there else error.detail)
            raise
        self._note("reached", "")

    async def _present(self) -> Camera:
        """The camera as described now; an earlier one is left."""
        if not self._wanted["kind"]:
            raise CameraError("unknown", "no camera is described")
        if self._camera is None or self._made_for != self._wanted:
            if self._camera is not None:
                await self._camera.close()
            self._made_for = self._wanted
            self._camera = camera_of(self._wanted)
        return self._camera

    def _note(self, state: str, detail: str) -> None:
        if state != self.state:
            log.info("the camera: %s %s", state or "none", detail)
            self.state, self.detail = state, detail
            self._changed()
