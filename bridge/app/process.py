"""Composition root of the control process: makes its parts, starts them and stops them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from bridge.accounts.auth import Auth
from bridge.accounts.directory_accounts import DirectoryAccounts
from bridge.accounts.openid import OpenId
from bridge.agents.registry import Agents
from bridge.agents.updates import Updates
from bridge.app import credentials
from bridge.app.audience_workers import make_fleet
from bridge.app.certificates import ServerCertificate
from bridge.app.ending import Ends, end
from bridge.app.errors import StartError, reading
from bridge.app.listening import WebServer, hosts_of, not_ready, require_tls
from bridge.app.live_settings import LiveSettings
from bridge.app.peering import OtherBridges
from bridge.app.person_register import make_register
from bridge.app.points_workers import PointsFigures, make_links
from bridge.app.sip_gateway import SipGateway
from bridge.app.state_folder import make_backups, prepare
from bridge.audience.watching import Audience
from bridge.base.clock import SteadyClock
from bridge.control.control import Control
from bridge.control.placing.active_workers import FIRST, Send
from bridge.control.scheduler import Scheduler
from bridge.control.session_keeper import SessionKeeper
from bridge.control.worker_supervision import supervise
from bridge.lines.incident_log import Incidents
from bridge.lines.media_quality import MediaQuality
from bridge.lines.sweep import Readiness
from bridge.lines.watch import HealthWatch
from bridge.media import messages as m
from bridge.papers.library import Library
from bridge.recordings.reconciling import Recordings
from bridge.reports.minutes.signed_minutes import SignedMinutes
from bridge.server.agent_socket import AgentSockets
from bridge.server.api.services import HandsOver, Services
from bridge.server.bundle import BUNDLE, INSTALLED, Bundles
from bridge.server.camera_presets import Cameras
from bridge.server.guard.entry import DelegateEntry, Entry
from bridge.server.http import Http
from bridge.server.metrics_listener import MetricsListener
from bridge.server.webhooks import Delivery
from bridge.store.accounts import Accounts
from bridge.store.database import StoreError, engine_of, migrate
from bridge.store.integrity import forget_mark, keep_mark, write_mark
from bridge.store.leading.term import Term
from bridge.store.log import EventLog
from bridge.store.quality import QualityStore
from bridge.store.signed_heads import SignedHeads
from bridge.store.snapshots import Snapshots
from bridge.telemetry.collector import Collector
from bridge.telemetry.meters import Meters
from bridge.telemetry.sources import Sources
from config.schema import Topology


class ControlProcess:
    """One control process with all its parts; an async context manager that runs it."""

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
        send: Send | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        term: Term | None = None,
        hand_over: HandsOver | None = None,
    ) -> None:
        """``state`` is where database, keys and sockets lie, ``folder`` what relative paths of
        the topology refer to. ``keep_worker`` leaves the worker running; without ``own_worker``
        somebody else starts it. ``send`` gets commands instead of them. ``term`` is a leader's."""
        self.topology = topology
        self._folder, self._state = folder, state
        self._keep_worker, self._with_parent = keep_worker, with_parent
        self._topology_file = topology_file
        self._term, self._hand_over = term, hand_over
        prepare(state)
        self.keys = credentials.load_keys(topology, state / credentials.KEYS)
        self.local_token = credentials.make_local_token(state / credentials.LOCAL_TOKEN)
        self.certificate = ServerCertificate(topology.bridge.web.tls, folder, state / "tls")
        try:
            self.engine = engine_of(topology.bridge.database, state, term=term)
        except StoreError as error:
            raise StartError(str(error)) from None
        self.hosts = hosts_of(topology, self.certificate.file())
        self.meters = Meters()
        self.events = EventLog(self.engine, self.meters.committed)
        self.accounts = Accounts(self.engine)
        self.backups = make_backups(topology, state, folder, term)
        news = (self._on_event, self._on_worker_down)
        self.workers = make_links(topology, state, *news, with_parent=with_parent, own=own_worker)
        self.worker = self.workers[FIRST]
        self._send = send or (lambda worker, command: self.workers[worker].send(command))
        self.control = Control(
            topology,
            self.events,
            Snapshots(self.engine),
            self._send,
            SteadyClock(wall, monotonic),
            monotonic,
            self.meters,
            state / "secret-votes",
            tuple(self.workers),
        )
        self.conductor = self.control.conductor
        self.heads = SignedHeads(self.events, credentials.signing_key(state), self.conductor.now)
        self._make_people(monotonic)
        self._make_lines(monotonic)
        self._make_audience()
        self._make_recordings()
        self.control.moves.tell(self._conference_moved)
        self.bridges = OtherBridges(self.control, self.scheduler, folder, state)
        self.sip = SipGateway(self, folder, state)
        self._make_figures()
        self._server: WebServer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""

    def _make_people(self, monotonic: Callable[[], float]) -> None:
        """Accounts, sessions that outlive a restart, and the schedule."""
        control, now = self.control, self.conductor.now
        self.settings = LiveSettings(
            self.topology.bridge,
            self._folder,
            self._state,
            self.certificate.pair,
            Delivery(self.events, self.accounts, now),
        )
        self.auth = Auth(
            self.accounts,
            now,
            monotonic,
            self.local_token,
            self.meters,
            self.settings.note,
            credentials.kept_key(self._state / credentials.DEVICE_KEY),
            lambda: control.topology.current.bridge,
        )
        self.session_keeper = SessionKeeper(
            control.topology, control.sessions, control.presence, self.accounts, now, monotonic
        )
        self.persons = make_register(control, self.events, self.auth, self.engine, self._state)
        self.scheduler = Scheduler(
            control.topology, self.conductor, self.events, self.accounts, control.publisher
        )

    def _make_lines(self, monotonic: Callable[[], float]) -> None:
        """Agents, and what is known of the points' lines."""
        control, now = self.control, self.conductor.now
        self.agents = Agents(monotonic)
        self.cameras = Cameras(self.agents, control, self._folder)
        self.updates = Updates(self.agents, self._in_conference)
        self.incidents = Incidents(self.events, now)
        self.media_quality = MediaQuality()
        self.health = HealthWatch(
            topology=control.topology,
            sessions=control.sessions,
            conductor=self.conductor,
            publisher=control.publisher,
            agents=self.agents,
            incidents=self.incidents,
            store=QualityStore(self.engine),
            now=now,
            clock=monotonic,
        )
        self.readiness = Readiness(
            topology=control.topology,
            sessions=control.sessions,
            conductor=self.conductor,
            scheduler=self.scheduler,
            agents=self.agents,
            health=self.health,
            now=now,
            clock=monotonic,
            certificate=self.certificate.file,
            measured=control.promises.measure,
        )
        self.agent_sockets = AgentSockets(
            self.agents,
            self.auth,
            self.accounts,
            control,
            self.health.senders,
            self.certificate.authority,
            self.cameras.of_point,
        )

    def _make_recordings(self) -> None:
        """Recordings, which lie where the topology says; and papers."""
        named = self.topology.bridge.recordings.folder
        self.recordings = Recordings(
            self.control.topology,
            self.conductor,
            self.control.routes,
            self.events,
            self._folder / named if named is not None else self._state / "recordings",
            self._state,
            self.conductor.now,
            self.audience.hls.wanted,
        )
        self.papers = Library(self.control, self.events, self._state / "papers", self.engine)

    def _make_audience(self) -> None:
        """Who only watches."""
        control, state = self.control, self._state
        key = credentials.kept_key(state / credentials.AUDIENCE_KEY)
        fleet = make_fleet(control, self._send, state, self._folder, with_parent=self._with_parent)
        self.audience = Audience(control, self.scheduler, self.accounts, fleet, key, state)

    def _make_figures(self) -> None:
        """Metrics, and who serves them."""
        sources = Sources(
            control=self.control,
            agents=self.agents,
            health=self.health,
            incidents=self.incidents,
            readiness=self.readiness,
            recordings=self.recordings,
            audience=self.audience,
            scheduler=self.scheduler,
            peers=self.bridges.links,
            meters=self.meters,
            workers=self.workers,
            now=self.conductor.now,
        )
        self.collector = Collector(sources, self._state, self.certificate.file)
        self.metrics = MetricsListener(
            self.topology.bridge.metrics,
            self.collector.snapshot,
            lambda: self.healthy,
            lambda: not_ready(self.control),
            self.meters,
            self.hosts,
        )

    # --- start and stop -----------------------------------------------------------------

    async def __aenter__(self) -> ControlProcess:
        web_ = self.topology.bridge.web
        context = self.certificate.context()
        require_tls(web_.listen, context)
        if problem := self.settings.problem(self.topology.bridge):
            raise StartError(problem)
        await self.prepare()
        leads = self._term.leads if self._term is not None else lambda: True
        self._server = WebServer(self.http(leads).app, self.auth.known.__contains__)
        try:
            self.url = await self._server.start(web_, context)
            await self._server.start_admin(self.topology.bridge.security, context)
        except StartError:
            await self.engine.dispose()
            raise
        credentials.write_local_address(self._state / credentials.LOCAL_ADDRESS, self.url)
        self._start_jobs()
        await self.settings.start(self.topology.bridge, self.metrics)
        return self

    def _start_jobs(self) -> None:
        self.health.start()
        figures = PointsFigures(self.control, self.meters, self.media_quality, self.health)
        jobs = [
            self.conductor.run(),
            self.control.secret_votes.run(self._term),
            self.heads.run(),
            self.scheduler.run(),
            *(link.run() for link in self.workers.values()),
            *(supervise(link, figures.of(name)) for name, link in self.workers.items()),
            self.session_keeper.run(),
            self.control.publisher.beat(),
            self.agent_sockets.run(),
            self.health.run(),
            self.readiness.run(),
            self.collector.run(),
            self.auth.known.run(),
            self.recordings.run(),
            self.audience.run(),
            self.backups.run(self.conductor.now, lambda: bool(self.conductor.running())),
            keep_mark(self._state, self.events.last_number),
            self.papers.run(),
            self.persons.run(),
            self.bridges.run(),
            self.sip.run(),
        ]
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def prepare(self) -> None:
        """Open the database and bring back what outlives a restart. Raises `StartError`."""
        async with reading(self.engine):
            await migrate(self.engine)
            await credentials.register_keys(self.accounts, self.keys, self.conductor.now())
            await self.auth.known.load()
            await self.scheduler.load()
            await self.conductor.load()
            await self.heads.load()
            await self.incidents.load(self.control.clock())
            await self.recordings.catalogue.load()
            await self.papers.load()
            await self.persons.load()
            await self.session_keeper.restore()
            self.bridges.start()
            write_mark(self._state, await self.events.last_number())

    async def __aexit__(self, *_: object) -> None:
        await self.settings.stop()
        await self.updates.close()
        if not self._keep_worker:
            await self.recordings.close()
        ending: tuple[Ends, ...] = (*self.workers.values(), self.audience.fleet, self.sip)
        await end(self._tasks, () if self._keep_worker else ending, self._let_go)
        await self.engine.dispose()
        write_mark(self._state, -1)

    async def _let_go(self) -> None:
        self.control.sessions.finish()  # at once: the server would wait a second for them
        if self._server is not None:
            await self._server.stop()

    def http(self, leads: Callable[[], bool] = lambda: True) -> Http:
        """The web application around this process, which answers only while it ``leads``."""
        control, now = self.control, self.conductor.now
        services = Services(
            control=control,
            conductor=self.conductor,
            events=self.events,
            heads=self.heads,
            accounts=self.accounts,
            auth=self.auth,
            scheduler=self.scheduler,
            engine=self.engine,
            topology_file=self._topology_file,
            certificate=self.certificate.authority_file,
            reloaded=self.control.presence.end_consoles,
            restored=lambda: forget_mark(self._state),
            settings=self.settings,
            agents=self.agents,
            cameras=self.cameras,
            incidents=self.incidents,
            health=self.health,
            readiness=self.readiness,
            host=lambda: self.collector.host,
            bundles=Bundles([self._state / BUNDLE, INSTALLED]),
            updates=self.updates,
            backups=self.backups,
            recordings=self.recordings,
            papers=self.papers,
            persons=self.persons,
            delegates=DelegateEntry(control.clock),
            minutes=SignedMinutes(self.events, self._state / "minutes", now, self.engine),
            sign=self.certificate.sign,
            audience=self.audience,
            peers=self.bridges.links,
            entry=Entry(control.clock),
            directory=DirectoryAccounts(
                self.auth, OpenId(self._folder, now, control.clock), now, control.presence.end_login
            ),
            hand_over=self._hand_over,
            admin_port=lambda: self._server.admin_port if self._server is not None else 0,
        )
        return Http(services, self.hosts, self.agent_sockets, leads)

    # --- what the parts are told ----------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Whether the tasks that make up this process all run."""
        return self.settings.healthy and all(not task.done() for task in self._tasks)

    def _in_conference(self) -> set[str]:
        """The points that are in a conference now."""
        return {p for p in self.control.topology.points if self.conductor.conference_of(p)}

    def _on_event(self, event: m.Event, worker: str = FIRST) -> None:
        self.control.reconciler.on_event(event, worker)
        self.audience.fleet.on_points_event(event, worker)

    def _on_worker_down(self, worker: str = FIRST) -> None:
        self.control.reconciler.on_worker_down(worker)
        self.audience.fleet.on_points_down(worker)
        self.media_quality.lost(worker)

    def _conference_moved(self, conference: str) -> None:
        """Another worker holds it: so do those who record it and who watch it."""
        self.audience.fleet.conference_moved(conference)
        self.recordings.conference_moved(conference)
