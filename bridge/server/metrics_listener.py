"""The listener that Prometheus scrapes: /metrics, /healthz and /readyz, apart from the pages.

On loopback it is open; elsewhere it needs TLS, and a bearer token or a client certificate.
"""

from __future__ import annotations

import asyncio
import gzip
import hmac
import ipaddress
import logging
import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bridge.base.observer import Observer
from bridge.server.guard.hosts import Hosts, local_address
from bridge.server.problems import problem
from config.schema import MetricsPort
from monitoring.exposition.snapshot import Snapshot, exposition

log = logging.getLogger("metrics")

COMPRESSION = 3  # of gzip: half a scrape's time at 9, a tenth of its size at either


class MetricsConfigError(Exception):
    """The listener may not be opened like this; the text says why and what to do."""


def tls_context(
    config: MetricsPort, folder: Path, own: tuple[Path, Path] | None
) -> ssl.SSLContext | None:
    """TLS of the listener; ``own`` is the server's certificate and key, None where it has none.
    None on loopback without certificates of its own. Raises `MetricsConfigError`."""
    asked = config.tls is not None or config.client_authority is not None
    if ipaddress.ip_address(config.listen).is_loopback and not asked:
        return None
    pair = own
    if config.tls is not None:
        pair = (folder / config.tls.certificate, folder / config.tls.key)
    if pair is None:
        raise MetricsConfigError(
            f"Metrics on {config.listen} need TLS. Give a certificate under bridge.metrics.tls "
            "or bridge.web.tls, or let bridge.metrics.listen be 127.0.0.1."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(*pair)
        if config.client_authority is not None:
            context.load_verify_locations(folder / config.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise MetricsConfigError(
            f"A certificate of the metrics listener cannot be used: {error}. Look at "
            "bridge.metrics.tls and bridge.metrics.client_authority."
        ) from None
    return context


class MetricsListener:
    """The web server of the metrics. ``healthy`` tells whether the process works, ``ready`` why no
    conference could be held now (the key of a sentence; "" where one could)."""

    def __init__(
        self,
        config: MetricsPort,
        snapshot: Callable[[], Snapshot],
        healthy: Callable[[], bool],
        ready: Callable[[], str],
        observer: Observer,
        hosts: Hosts,
    ) -> None:
        self._config = config
        self._hosts = hosts
        self._snapshot = snapshot
        self._healthy = healthy
        self._ready = ready
        self._observer = observer
        self._one = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self.url = ""
        """Where it listens; "" while it does not."""
        self.app = self._application()

    def _application(self) -> web.Application:
        """An application; each serves one runner, for good."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/metrics", self.metrics),
                web.get("/healthz", self.healthz),
                web.get("/readyz", self.readyz),
            ]
        )
        return app

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """No page of a stranger reads figures by a name of its own (DNS rebinding)."""
        if not self._hosts.serves(request.host, local_address(request)):
            return problem(421, "http.unknown_host")
        if not self._hosts.may_come(request.headers.get("Origin"), request.scheme, request.host):
            return problem(403, "http.foreign_origin")
        return await handler(request)

    async def start(self, context: ssl.SSLContext | None) -> None:
        """Listen. An address that is taken is logged, and the bridge goes on without."""
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        host = self._config.listen
        try:
            await web.TCPSite(runner, host, self._config.port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            log.error(
                "metrics cannot be served on port %d: %s; stop what uses it, or change "
                "bridge.metrics.port",
                self._config.port,
                os.strerror(error.errno) if error.errno else "unknown reason",
            )
            return
        self._runner = runner
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if context else 'http'}://{shown}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more."""
        runner, self._runner, self.url = self._runner, None, ""
        if runner is not None:
            await runner.cleanup()

    async def move(self, config: MetricsPort, context: ssl.SSLContext | None) -> None:
        """Listen as another configuration has it, in place of the present one."""
        await self.stop()
        self._config = config
        self.app = self._application()
        await self.start(context)

    async def metrics(self, request: web.Request) -> web.Response:
        """The scrape. Figures are taken at once; their text is made in a thread, so that
        commands go on meanwhile."""
        if not self._authorised(request):
            self._observer.denied("metrics_token")
            response = problem(401, "http.metrics_token")
            response.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
            return response
        squeeze = "gzip" in request.headers.get("Accept-Encoding", "")
        async with self._one:  # however many ask, one core at the most
            snapshot = self._snapshot()
            body, content_type = await asyncio.to_thread(
                _text, snapshot, request.headers.get("Accept", ""), squeeze
            )
        response = web.Response(body=body, headers={"Content-Type": content_type})
        if squeeze:
            response.headers["Content-Encoding"] = "gzip"
        return response

    def _authorised(self, request: web.Request) -> bool:
        token = self._config.token
        if token is None:
            return True
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())

    async def healthz(self, _: web.Request) -> web.Response:
        """Whether this process works: one that does not should be started again."""
        if not self._healthy():
            return problem(503, "http.unhealthy")
        return web.json_response({"ok": True})

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether a conference could be held now."""
        why = self._ready()
        if why:
            return problem(503, why)
        return web.json_response({"ok": True})


def _text(snapshot: Snapshot, accept: str, squeeze: bool) -> tuple[bytes, str]:
    body, content_type = exposition(snapshot, accept)
    return gzip.compress(body, COMPRESSION) if squeeze else body, content_type
