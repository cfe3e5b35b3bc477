"""Where the pages are served: names, descriptors, and the door in front of the web server."""

from __future__ import annotations

import ipaddress
import logging
import resource
import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from cryptography import x509

from bridge.app.errors import StartError
from bridge.control.control import Control
from bridge.server.guard.admission import Admission, limits
from bridge.server.guard.front_door import FrontDoor
from bridge.server.guard.hosts import Hosts
from config.schema import Topology, Web
from config.security_schema import Security

log = logging.getLogger("http")

FILES = 4096  # descriptors that let in everybody of a province; the unit gives 16384
KEEPALIVE = 30.0  # seconds that a connection may wait for its next request


def raise_open_files() -> int:
    """Let this process open as many files as it may; returns how many. Few are said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            pass
    if soft < FILES:
        log.warning(
            "this process may open %d files only; fewer rooms and consoles are let in. Set "
            "LimitNOFILE=16384 in the unit (docs/systemd/diem-cau.service)",
            soft,
        )
    return soft


def hosts_of(topology: Topology, certificate: Path | None) -> Hosts:
    """The names and addresses under which the bridge may be reached: those in the topology, and
    those that the server's certificate is for."""
    bridge = topology.bridge
    names = {bridge.web.listen, bridge.metrics.listen, *bridge.web.hosts}
    if bridge.security.admin_listen is not None:
        names.add(bridge.security.admin_listen)
    names |= {*bridge.media.listen, *bridge.media.public}
    if certificate is not None:
        try:
            loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
            found = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names |= set(found.get_values_for_type(x509.DNSName))
            names |= {str(address) for address in found.get_values_for_type(x509.IPAddress)}
        except (OSError, ValueError, x509.ExtensionNotFound):
            log.warning("the names in the certificate cannot be read")
    return Hosts(names, bridge.web.origins, bridge.host_pages)


def require_tls(listen: str, context: ssl.SSLContext | None) -> None:
    """Raises `StartError` where pages would leave this machine in plain HTTP."""
    if context is None and not ipaddress.ip_address(listen).is_loopback:
        raise StartError(
            f"Plain HTTP is allowed on loopback only, and web.listen is {listen}. "
            "Give a certificate under bridge.web.tls, or make one of your own: "
            "python bridge.py ca init --file FILE."
        )


class WebServer:
    """Serves an application on one address. ``known`` tells whether somebody who may come in has
    come from an address."""

    def __init__(self, app: web.Application, known: Callable[[str], bool]) -> None:
        self.admission = Admission(limits(raise_open_files()))
        self._known = known
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1.0, keepalive_timeout=KEEPALIVE
        )
        self._doors: list[FrontDoor] = []
        self.admin_port = 0
        """Where admins have a listener of their own; 0: they have none."""

    async def start(self, config: Web, context: ssl.SSLContext | None) -> str:
        """Listen; returns the address of the pages. Raises `StartError`."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        door = FrontDoor(server, self.admission, self._known)
        try:
            await door.listen(config.listen, config.port, context)
        except OSError as error:
            await self._runner.cleanup()
            raise StartError(
                f"The web address {config.listen} port {config.port} cannot be used: "
                f"{error.strerror}. Stop what uses it, or change bridge.web.port."
            ) from None
        self._doors.append(door)
        host = f"[{config.listen}]" if ":" in config.listen else config.listen
        return f"{'https' if context else 'http'}://{host}:{door.port}"

    async def start_admin(self, security: Security, context: ssl.SSLContext | None) -> None:
        """Listen for admins at an address of their own, where there is one. Raises `StartError`."""
        if security.admin_listen is None:
            return
        server = self._runner.server
        assert server is not None
        door = FrontDoor(server, self.admission, self._known)
        try:
            await door.listen(security.admin_listen, security.admin_port, context)
        except OSError as error:
            await self.stop()
            raise StartError(
                f"The admins' address {security.admin_listen} port {security.admin_port} cannot be "
                f"used: {error.strerror}. Change bridge.security.admin_listen or admin_port."
            ) from None
        self._doors.append(door)
        self.admin_port = door.port

    async def stop(self) -> None:
        """Accept nobody any more, and end what is open."""
        for door in self._doors:
            await door.close()
        await self._runner.cleanup()


def not_ready(control: Control) -> str:
    """Why no conference could be held now, as the key of a sentence; "" where one can."""
    if not control.routes.ready:
        return "http.no_worker"
    return "store.not_saved" if control.conductor.problem else ""
