"""Other bridges: our certificate, the links to them, and the listener for those that connect."""

from __future__ import annotations

import asyncio
import datetime
import errno
import logging
from pathlib import Path

from bridge.app.errors import StartError
from bridge.conference.model import SCHEDULER, Refusal
from bridge.control.control import Control
from bridge.control.peers import pinned
from bridge.control.peers.peer_links import PeerLinks
from bridge.control.scheduler import Scheduler
from bridge.server.peer_socket import PeerSocket

log = logging.getLogger("peers")

LISTEN_AGAIN = 1.0  # seconds until an address that is not there is tried again


class OtherBridges:
    """All that has to do with them. ``folder`` is what paths of the topology refer to."""

    def __init__(self, control: Control, scheduler: Scheduler, folder: Path, state: Path) -> None:
        self._scheduler = scheduler
        topology = control.topology.current
        self._own = pinned.own_pair(topology.bridge.peering, folder, state)
        self._config = topology.bridge.peering
        self._wanted = bool(topology.peers) or self._config.listen is not None
        self._made = self._config.certificate is None
        self._name = topology.bridge.name.vi
        self.links = PeerLinks(control, self._pair, folder, self._open)
        self.socket: PeerSocket | None = None

    def _pair(self) -> tuple[Path, Path] | None:
        return self._own if self._own[0].exists() else None

    def start(self) -> None:
        """Give peers their sessions and listen for them, where the topology has any. Raises
        `StartError`."""
        self.links.restore()
        if not self._wanted:
            return
        if self._made:
            now = datetime.datetime.now(datetime.UTC)
            pinned.make(self._own[0].parent, self._name, now)
        if self._config.listen is None:
            return
        self.socket = PeerSocket(self.links, self._config, self._own)
        try:
            self.socket.open()
        except pinned.PinProblem as error:
            raise StartError(str(error)) from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                # One that follows the host that leads comes a second or two later.
                log.warning(
                    "the address %s for other bridges is not on this host yet: it is waited for",
                    self._config.listen,
                )
                return
            raise StartError(
                f"The address {self._config.listen} port {self._config.port} for other bridges "
                f"cannot be used: {error.strerror}. Change bridge.peering.listen or port."
            ) from None

    async def run(self) -> None:
        """Meet other bridges until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.links.run())
            if self.socket is not None:
                tasks.create_task(self._listen(self.socket))

    async def _listen(self, socket: PeerSocket) -> None:
        """Take connections in, from when our address is there."""
        said = ""
        while not socket.opened:
            try:
                socket.open()
            except (OSError, pinned.PinProblem) as error:
                why = str(error)
                if why != said and getattr(error, "errno", 0) != errno.EADDRNOTAVAIL:
                    log.error("other bridges cannot be listened for: %s", why)
                said = why
                await asyncio.sleep(LISTEN_AGAIN)
            else:
                log.info("other bridges are listened for at %s", self._config.listen)
        await socket.run()

    async def _open(self, template: str) -> str:
        """A peer calls, and this is the template for it."""
        found = self._scheduler.templates().get(template)
        if found is None:
            return template
        result = await self._scheduler.open(found, SCHEDULER)
        return found.title.vi if isinstance(result, Refusal) else ""
