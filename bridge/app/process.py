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
from collections.abc import Callable
from pathlib import Path

import yaml
from aiohttp import web

from bridge.accounts import passwords
from bridge.accounts.auth import Auth
from bridge.accounts.syslog import SecurityLog
from bridge.agents.registry import Agents
from bridge.app.certificates import CA_CERTIFICATE, CERTIFICATE, KEY
from bridge.base.clock import SteadyClock
from bridge.conference.model import PointId
from bridge.control.conductor import Conductor
from bridge.control.control import Control
from bridge.control.scheduler import Scheduler
from bridge.control.sessions import Session, Sessions
from bridge.control.worker_link import WorkerLink
from bridge.lines.incident_log import Incidents
from bridge.lines.media_quality import Lines
from bridge.lines.sweep import Readiness
from bridge.lines.watch import HealthWatch
from bridge.media import messages as m
from bridge.server.agent_socket import AgentSockets
from bridge.server.api.services import Services
from bridge.server.http import Http
from bridge.server.metrics_listener import MetricsConfigError, MetricsListener, tls_context
from bridge.server.webhooks import Delivery
from bridge.store.accounts import Accounts, Device, StoredSession
from bridge.store.database import FAULTS, NotSaved, StoreError, engine_of, migrate
from bridge.store.log import EventLog
from bridge.store.quality import QualityStore
from bridge.telemetry.collector import Bookkeeper
from bridge.telemetry.counters import Meters
from config.schema import Topology

log = logging.getLogger("app")

CALL_INTERVAL = 1.0  # seconds between looks at points that are called
SWEEP_EVERY = 5  # of those, between looks for abandoned sessions
FORGET_EVERY = 3600  # of those, between looks for idempotency keys that are old
LINES_INTERVAL = 2.0  # seconds between looks at the worker's figures
HANGING_AFTER = 2  # unanswered questions until a worker counts as hanging
KEY_OCTETS = 24
LOCAL_TOKEN = "cli.token"  # noqa: S105 - a file name
LOCAL_ADDRESS = "cli.url"


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
        topology_file: Path | None = None,
        own_worker: bool = True,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``state`` is where database, keys and sockets lie, ``folder`` what relative paths of
        the topology refer to. ``keep_worker`` leaves the worker running at the end; without
        ``own_worker`` somebody else (systemd) starts it."""
        self.topology = topology
        self._folder = folder
        self._state = state
        self._keep_worker = keep_worker
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keys = load_keys(topology, state / "keys.yaml")
        media = topology.bridge.media
        self.worker = WorkerLink(
            control=state / "worker.sock",
            hosts=media.listen,
            port=media.port,
            with_parent=with_parent,
            on_event=self._on_event,
            on_down=self._on_worker_down,
            own=own_worker,
        )
        try:
            self.engine = engine_of(topology.bridge.database, state)
        except StoreError as error:
            raise StartError(str(error)) from None
        self.events = EventLog(self.engine)
        self.accounts = Accounts(self.engine)
        self.control = Control(topology, Sessions(), self.worker.send, monotonic)
        clock = SteadyClock(wall, monotonic)
        self.conductor = Conductor(self.events, clock, self.control.changed)
        self.control.conductor = self.conductor
        self.local_token = local_token(state / LOCAL_TOKEN)
        self.auth = Auth(self.accounts, self.conductor.now, monotonic, self.local_token)
        self.scheduler = Scheduler(
            self.control, self.conductor, self.events, self.accounts, self.control.notice
        )
        self.lines = Lines()
        self.agents = Agents(monotonic)
        self.incidents = Incidents(self.events, self.conductor.now)
        self.health = HealthWatch(
            self.control,
            self.agents,
            self.incidents,
            QualityStore(self.engine),
            self.conductor.now,
        )
        self.readiness = Readiness(
            self.control, self.agents, self.health, self.conductor.now, self._certificate_file
        )
        self.readiness.templates = self._template_points
        self.meters = Meters()
        self.control.observer = self.conductor.observer = self.auth.observer = self.meters
        self.events.committed = self.meters.committed
        self.bookkeeper = Bookkeeper(
            control=self.control,
            agents=self.agents,
            health=self.health,
            incidents=self.incidents,
            readiness=self.readiness,
            scheduler=self.scheduler,
            meters=self.meters,
            now=self.conductor.now,
            state=state,
            certificate=self._certificate_file,
        )
        self.metrics = MetricsListener(
            topology.bridge.metrics,
            self.bookkeeper.snapshot,
            lambda: self.healthy,
            self._not_ready,
            self.meters,
        )
        self.security_log: SecurityLog | None = None
        if topology.bridge.syslog is not None:
            self.security_log = SecurityLog(topology.bridge.syslog, folder)
            self.auth.noted = self.security_log.note
        self._topology_file = topology_file
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""
        self.agent_sockets: AgentSockets

    async def __aenter__(self) -> ControlProcess:
        web_ = self.topology.bridge.web
        context = self._tls()
        if context is None and not ipaddress.ip_address(web_.listen).is_loopback:
            raise StartError(
                f"Plain HTTP is allowed on loopback only, and web.listen is {web_.listen}. "
                "Give a certificate under bridge.web.tls, or make one of your own: "
                "python bridge.py ca init --file FILE."
            )
        try:
            metrics_context = tls_context(
                self.topology.bridge.metrics, self._folder, self._certificate_pair()
            )
        except MetricsConfigError as error:
            raise StartError(str(error)) from None
        await self.prepare()
        self._runner = web.AppRunner(self.http().app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, web_.listen, web_.port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            await self.engine.dispose()
            raise StartError(
                f"The web address {web_.listen} port {web_.port} cannot be used: "
                f"{error.strerror}. Stop what uses it, or change bridge.web.port."
            ) from None
        port = self._runner.addresses[0][1]
        scheme = "https" if context else "http"
        host = f"[{web_.listen}]" if ":" in web_.listen else web_.listen
        self.url = f"{scheme}://{host}:{port}"
        try:
            (self._state / LOCAL_ADDRESS).write_text(self.url + "\n", "utf-8")
        except OSError as error:  # the command line will not find us; everybody else does
            log.error("the address for the command line could not be written: %s", error.strerror)
        self.health.start()
        delivery = Delivery(self.events, self.accounts, self.conductor.now)
        jobs = [
            self.conductor.run(),
            self.scheduler.run(),
            self.worker.run(),
            self._sweep(),
            self._look_at_lines(),
            self.health.run(),
            self.readiness.run(),
            self.bookkeeper.run(),
            *([self.security_log.run()] if self.security_log is not None else []),
            *(delivery.run(hook) for hook in self.topology.bridge.webhooks),
        ]
        self._tasks = [asyncio.create_task(job) for job in jobs]
        await self.metrics.start(metrics_context)
        return self

    async def prepare(self) -> None:
        """Open the database and bring back what outlives a restart. Raises `StartError`."""
        try:
            await migrate(self.engine)
            await self._load()
        except StoreError as error:
            await self.engine.dispose()
            raise StartError(str(error)) from None
        except FAULTS as error:
            await self.engine.dispose()
            raise StartError(
                f"The database cannot be read: {str(error).splitlines()[0]}. Restore a backup "
                "where it is damaged: docs/production.md."
            ) from None

    def http(self) -> Http:
        """The web application around this process."""
        self.agent_sockets = AgentSockets(
            self.agents,
            self.auth,
            self.accounts,
            self.control,
            self.health.senders,
            self._certificate,
        )
        return Http(self._services(), self.topology.bridge.web.origins, self.agent_sockets)

    async def _load(self) -> None:
        """Everything that outlives a restart. A database that can be read and not written (a
        full disk) is enough to go on with."""
        now = self.conductor.now()
        for point, key in self.keys.items():
            hashed = passwords.digest(key)
            if await self.accounts.device_of_key(hashed) is not None:
                continue
            device = Device(
                id=f"keys-{point}-{hashed[:8]}", point=point, name="keys.yaml", created=now
            )
            try:
                await self.accounts.add_device(device, hashed)
            except NotSaved as error:
                log.error("the room key of %s could not be saved: %s", point, error)
        await self.scheduler.load()
        await self.conductor.load()
        await self.incidents.load(self.control.clock())
        for stored in await self.accounts.sessions():
            await self._restore_session(stored)

    async def _restore_session(self, stored: StoredSession) -> None:
        """Bring a session of the process before back, if it may still be here."""
        usable = False
        if stored.device is not None and stored.point in self.control.points:
            device = await self.accounts.device(stored.device)
            usable = device is not None and device.revoked is None
        elif stored.login is not None:
            login = await self.accounts.login(stored.login, self.conductor.now())
            usable = login is not None
        if not usable:
            await self._forget(stored.id)
            return
        kind = "point" if stored.point is not None else "console"
        session = Session(
            "",
            stored.id,
            kind,
            stored.point,
            stored.role,
            stored.created,
            user=stored.user,
            device=stored.device,
            login=stored.login,
            idle_since=self.control.clock(),
        )
        replaced = self.control.sessions.add(session)
        if replaced is not None:
            await self._forget(replaced.id)

    async def _forget(self, session: str) -> None:
        try:
            await self.accounts.end_session(session)
        except NotSaved as error:
            log.error("the end of a session could not be saved: %s", error)

    def _services(self) -> Services:
        return Services(
            control=self.control,
            conductor=self.conductor,
            events=self.events,
            accounts=self.accounts,
            auth=self.auth,
            scheduler=self.scheduler,
            engine=self.engine,
            topology_file=self._topology_file,
            certificate=self._state / "tls" / CA_CERTIFICATE,
            reloaded=self._end_user_sessions,
            agents=self.agents,
            incidents=self.incidents,
            health=self.health,
            readiness=self.readiness,
            figures=self.bookkeeper,
        )

    def _template_points(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(t.points) for name, t in self.scheduler.templates().items()}

    def _certificate_file(self) -> Path | None:
        """The server's certificate; None where there is none."""
        pair = self._certificate_pair()
        return pair[0] if pair is not None else None

    def _certificate_pair(self) -> tuple[Path, Path] | None:
        """The server's certificate and key."""
        tls = self.topology.bridge.web.tls
        own = self._state / "tls"
        if tls is not None:
            return self._folder / tls.certificate, self._folder / tls.key
        return (own / CERTIFICATE, own / KEY) if (own / CERTIFICATE).exists() else None

    async def _certificate(self) -> str:
        """The local authority's certificate (PEM), for kiosks; "" where there is none."""
        path = self._state / "tls" / CA_CERTIFICATE
        return path.read_text("ascii") if path.exists() else ""

    def _end_user_sessions(self) -> None:
        for session in self.control.sessions.all():
            if session.point is None:
                self.control.end_session(session, "logged_out")

    @property
    def healthy(self) -> bool:
        """Whether the tasks that make up this process all run."""
        return all(not task.done() for task in self._tasks)

    def _not_ready(self) -> str:
        """Why no conference could be held now, as the key of a sentence; "" where one can."""
        if not self.control.worker_ready:
            return "http.no_worker"
        return "store.not_saved" if self.conductor.problem else ""

    async def __aexit__(self, *_: object) -> None:
        await self.metrics.stop()
        for task in self._tasks:
            task.cancel()
        if not self._keep_worker:
            await self.worker.shutdown()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await self.engine.dispose()

    def _on_event(self, event: m.Event) -> None:
        self.control.on_event(event)

    def _on_worker_down(self) -> None:
        self.control.on_worker_down()

    async def _sweep(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(CALL_INTERVAL)
            self.control.call()
            self.agent_sockets.tell_rooms()
            count += 1
            if count % SWEEP_EVERY:
                continue
            try:
                for session in self.control.sweep():
                    await self.accounts.end_session(session.id)
                await self._look_at_logins()
                if count % FORGET_EVERY == 0:
                    await self.events.forget_answers(self.conductor.now())
            except FAULTS as error:
                log.error("sessions wait for the store: %s", type(error).__name__)

    async def _look_at_logins(self) -> None:
        """An open console keeps its login alive; one whose login was ended elsewhere (by the
        command line, say) ends too."""
        now = self.conductor.now()
        for session in self.control.sessions.all():
            if not session.login:
                continue
            if await self.accounts.login(session.login, now) is None:
                self.control.end_session(session, "logged_out")
                await self.accounts.end_session(session.id)
            elif session.client is not None:
                await self.accounts.touch_login(session.login, now)

    async def _look_at_lines(self) -> None:
        """Every two seconds: figures of the worker, for the quality of lines; a worker that
        answers nothing for a while hangs, and is ended so that a new one starts."""
        silent = 0
        while True:
            await asyncio.sleep(LINES_INTERVAL)
            if not self.worker.ready.is_set():
                continue
            stats = await self.worker.stats()
            if stats is None:
                silent += 1
                if silent >= HANGING_AFTER and self.worker.ready.is_set():
                    log.error("the media worker hangs; it is ended and started again")
                    self.worker.kill()
                    silent = 0
                continue
            silent = 0
            now, at = self.control.clock(), self.conductor.now()
            self.meters.take_worker(stats, self.control.worker_id, self.control.points)
            self.health.media = self.lines.feed(stats, now, at)
            self.health.heard = self.lines.heard

    def _tls(self) -> ssl.SSLContext | None:
        pair = self._certificate_pair()
        if pair is None:
            return None
        certificate, key = pair
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                f"The certificate {certificate} or its key cannot be used: {error}."
            ) from None
        return context


def local_token(path: Path) -> str:
    """The command line's token: whoever can read this file administers the bridge. Made anew
    by every control process."""
    token = secrets.token_urlsafe(KEY_OCTETS)
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(token + "\n")
    except OSError as error:
        log.error("the token of the command line could not be written: %s", error.strerror)
    return token


def load_keys(topology: Topology, path: Path) -> dict[PointId, str]:
    """Return the key of every point, generating what is missing.

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
    for point in topology.points:
        complete.setdefault(point.id, secrets.token_urlsafe(KEY_OCTETS))
    if complete != stored:
        temporary = path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("# Keys of the room PCs. Private: who has a key is the point.\n")
            yaml.safe_dump(complete, file)
        temporary.replace(path)
    return {PointId(p.id): p.key or complete[p.id] for p in topology.points}
