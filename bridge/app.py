"""Composition root of the control process: topology, worker, sessions, web server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import secrets
import ssl
import time
from pathlib import Path

import yaml
from aiohttp import web

from bridge.conference.model import PointId
from bridge.control import Control
from bridge.media import messages as m
from bridge.signalling.http import Http
from bridge.signalling.sessions import Sessions
from bridge.worker_link import WorkerLink
from config.schema import Topology

log = logging.getLogger("app")

SWEEP_INTERVAL = 5.0  # seconds between looks for abandoned sessions
KEY_OCTETS = 24


class StartError(Exception):
    """The control process cannot start; the text says why and what to do."""


class ControlProcess:
    """Everything of one control process. Use as an async context manager."""

    def __init__(
        self,
        topology: Topology,
        *,
        state: Path,
        folder: Path,
        with_parent: bool = False,
        keep_worker: bool = True,
    ) -> None:
        """``state`` is where keys and sockets lie, ``folder`` what relative paths of the
        topology refer to. ``keep_worker`` leaves the worker running at the end."""
        self.topology = topology
        self._folder = folder
        self._keep_worker = keep_worker
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keys, self.viewer_key = load_keys(topology, state / "keys.yaml")
        media = topology.bridge.media
        self.worker = WorkerLink(
            control=state / "worker.sock",
            hosts=media.listen,
            port=media.port,
            with_parent=with_parent,
            on_event=self._on_event,
            on_down=self._on_worker_down,
        )
        self.control = Control(
            topology,
            Sessions(self.keys, self.viewer_key, lambda: secrets.token_urlsafe(24)),
            self.worker.send,
            time.monotonic,
        )
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""

    async def __aenter__(self) -> ControlProcess:
        web_ = self.topology.bridge.web
        context = self._tls()
        if context is None and not ipaddress.ip_address(web_.listen).is_loopback:
            raise StartError(
                f"Plain HTTP is allowed on loopback only, and web.listen is {web_.listen}. "
                "Give a certificate under bridge.web.tls."
            )
        http = Http(self.control, web_.origins)
        self._runner = web.AppRunner(http.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, web_.listen, web_.port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise StartError(
                f"The web address {web_.listen} port {web_.port} cannot be used: "
                f"{error.strerror}. Stop what uses it, or change bridge.web.port."
            ) from None
        port = self._runner.addresses[0][1]
        scheme = "https" if context else "http"
        host = f"[{web_.listen}]" if ":" in web_.listen else web_.listen
        self.url = f"{scheme}://{host}:{port}"
        self._tasks = [
            asyncio.create_task(self.worker.run()),
            asyncio.create_task(self._sweep()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if not self._keep_worker:
            await self.worker.shutdown()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def _on_event(self, event: m.Event) -> None:
        self.control.on_event(event)

    def _on_worker_down(self) -> None:
        self.control.on_worker_down()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            self.control.sweep()

    def _tls(self) -> ssl.SSLContext | None:
        tls = self.topology.bridge.web.tls
        if tls is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._folder / tls.certificate, self._folder / tls.key)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                f"The certificate {tls.certificate} or its key cannot be used: {error}."
            ) from None
        return context


def load_keys(topology: Topology, path: Path) -> tuple[dict[PointId, str], str]:
    """Return the key of every point and the viewer's, generating what is missing.

    Keys in the topology win. The file is readable by its owner only. Raises `StartError`.
    """
    stored: dict[str, str] = {}
    if path.exists():
        try:
            loaded = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise StartError(f"The keys file {path} cannot be read: {error}.") from None
        if not isinstance(loaded, dict) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in loaded.items()
        ):
            raise StartError(f"The keys file {path} must map points to keys.")
        stored = loaded
    complete = dict(stored)
    for name in [*(point.id for point in topology.points), "viewer:"]:
        complete.setdefault(name, secrets.token_urlsafe(KEY_OCTETS))
    if complete != stored:
        temporary = path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("# Keys of the room PCs. Private: who has a key is the point.\n")
            yaml.safe_dump(complete, file)
        temporary.replace(path)
    keys = {PointId(p.id): p.key or complete[p.id] for p in topology.points}
    return keys, complete["viewer:"]
