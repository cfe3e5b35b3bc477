"""The web application: pages, the interface's routes and both WebSockets behind one guard."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from bridge.server import runbooks
from bridge.server.agent_socket import AgentSockets
from bridge.server.api import (
    admin,
    audience_health,
    bookings,
    bridges,
    conferences,
    delegates,
    desk_calls,
    draining,
    evidence_packs,
    hls,
    incidents,
    installation,
    join,
    line_history,
    lines,
    minutes_files,
    open_conferences,
    paper_files,
    paper_strokes,
    people,
    persons,
    points,
    preset_calls,
    proofs,
    readiness,
    recordings,
    schedule,
    security,
    signed_files,
    signing_keys,
    single_sign_on,
    traffic,
    whep,
)
from bridge.server.api.routes import MAX_BACKUP_BODY, Route, Table
from bridge.server.api.services import Services
from bridge.server.guard.front_door import answering
from bridge.server.guard.hosts import Hosts, local_address, local_address_and_port
from bridge.server.guard.page_headers import content_security_policy, page_headers
from bridge.server.problems import problem
from bridge.server.websocket import ClientSockets

log = logging.getLogger("http")

WEB = Path(__file__).parent.parent / "web"
PAGES = {
    "/console": "console",
    "/room": "room",
    "/status": "status",
    "/admin": "admin",
    "/report": "report",
    "/ready": "ready",
    "/lines": "lines",
    "/recordings": "recordings",
    "/templates": "templates",
    "/desk": "desk",
    "/calendar": "calendar",
    "/verify": "verify",
    "/watch/{id}": "watch",
    "/delegate": "delegate",
}

ROUTES: tuple[Route, ...] = (
    *join.ROUTES,
    *preset_calls.ROUTES,
    *conferences.ROUTES,
    *desk_calls.ROUTES,
    *minutes_files.ROUTES,
    *signed_files.ROUTES,
    *paper_files.ROUTES,
    *persons.ROUTES,
    *delegates.ROUTES,
    *paper_strokes.ROUTES,
    *signing_keys.ROUTES,
    *schedule.ROUTES,
    *bookings.ROUTES,
    *people.ROUTES,
    *points.ROUTES,
    *incidents.ROUTES,
    *line_history.ROUTES,
    *traffic.ROUTES,
    *lines.ROUTES,
    *readiness.ROUTES,
    *recordings.ROUTES,
    *evidence_packs.ROUTES,
    *proofs.ROUTES,
    *installation.ROUTES,
    *security.ROUTES,
    *single_sign_on.ROUTES,
    *open_conferences.ROUTES,
    *whep.ROUTES,
    *hls.ROUTES,
    *audience_health.ROUTES,
    *bridges.ROUTES,
    *draining.ROUTES,
    *admin.ROUTES,
)

WATCHING = ("/api/v1/hls/", "/api/v1/whep/")  # what leads nowhere there is counted
HSTS = "max-age=31536000"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Http:
    """Builds the application (``app``) that a web server runs. ``leads`` tells whether this host
    may answer: one that was stopped for a while may not know yet that another one does."""

    def __init__(
        self,
        services: Services,
        hosts: Hosts,
        agents: AgentSockets,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self.services = services
        self._leads = leads
        self.control = services.control
        self._hosts = hosts
        self._headers = page_headers(hosts.fellows)
        self.app = web.Application(middlewares=[self._guard], client_max_size=MAX_BACKUP_BODY)
        Table(services, ROUTES).install(self.app)
        self.app.add_routes(
            [
                web.get("/api/v1/ws", ClientSockets(services).websocket),
                web.get("/api/v1/agent", agents.websocket),
                web.get("/healthz", self.healthz),
                web.get("/", self.index),
                *(web.get(path, self._page(name)) for path, name in PAGES.items()),
                web.get("/runbooks", runbooks.show),
                web.get("/runbooks/{name}", runbooks.show),
                web.static("/web", WEB, append_version=False),
            ]
        )

    # --- the guard ----------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        with answering(request.transport):
            response = await self._answer(request, handler)
            if not response.prepared:
                response.headers.update(self._hosts.fellows.headers(request))
            return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._hosts.serves(request.host, local_address(request)):
            return problem(421, "http.unknown_host")
        if not self._leads():
            return problem(503, "http.no_leader")
        origin = request.headers.get("Origin")
        pages = self.control.topology.current.bridge.audience.pages
        elsewhere = whep.cross_origin(request, pages)
        ours = self._hosts.may_come(origin, request.scheme, request.host)
        if not ours and elsewhere is None:
            return problem(403, "http.foreign_origin")
        if self._hosts.fellows.asks_first(request):
            return web.Response(status=204)
        try:
            response = await handler(request)
        except ConnectionError:  # whoever asked is gone
            return problem(400, "http.gone")
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "http.too_large")
        except web.HTTPException as error:
            if error.status < 400:
                raise
            if request.path.startswith(WATCHING):
                self.services.audience.refuse("watch.bad_path")
            response = problem(error.status, "http.not_found", path=request.path)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = problem(500, "http.fault")
        if not isinstance(response, web.WebSocketResponse):
            for name, value in self._headers.items():
                response.headers.setdefault(name, value)
            if request.secure:  # RFC 6797: a browser that was here once comes by TLS only
                response.headers.setdefault("Strict-Transport-Security", HSTS)
            if elsewhere is not None and not response.prepared:
                response.headers.update(elsewhere)
        return response

    # --- pages --------------------------------------------------------------------------

    async def index(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/console")

    async def healthz(self, _: web.Request) -> web.Response:
        if not self.control.routes.ready:
            return problem(503, "http.no_worker")
        return web.json_response({"ok": True, "unsaved": self.services.conductor.unsaved})

    def _page(self, name: str) -> Handler:
        path = WEB / name / "index.html"

        async def handle(request: web.Request) -> web.StreamResponse:
            port = self.services.admin_port()
            if name == "admin" and port and local_address_and_port(request)[1] != port:
                return problem(403, "http.admin_elsewhere")
            response = web.FileResponse(path)
            if name == "watch":  # oEmbed 1.0, section 4: how a page says that it can be framed
                here = f"{request.scheme}://{request.host}"
                page = quote(f"{here}{request.rel_url.raw_path}", safe="")
                response.headers["Link"] = (
                    f"<{here}/api/v1/oembed?url={page}>; "
                    'rel="alternate"; type="application/json+oembed"'
                )
            pages = self.control.topology.current.bridge.audience.pages
            if name == "watch" and pages:
                response.headers["Content-Security-Policy"] = content_security_policy(
                    self._hosts.fellows, f"'self' {' '.join(pages)}"
                )
            return response

        return handle
