"""What a reload changes without a restart, besides the topology itself: webhooks, the collector of
security events, the listener of the metrics."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from bridge.accounts.syslog import PSEUDONYM_KEY, Line, SecurityLog
from bridge.server.metrics_listener import MetricsConfigError, MetricsListener, tls_context
from bridge.server.webhooks import Delivery
from config.schema import Bridge, MetricsPort, Webhook
from config.security_schema import Syslog


class LiveSettings:
    """Runs what these settings name, and follows them when they change."""

    def __init__(
        self,
        bridge: Bridge,
        folder: Path,
        state: Path,
        pair: Callable[[], tuple[Path, Path] | None],
        delivery: Delivery,
    ) -> None:
        """``folder`` is what paths refer to, ``state`` the state folder; ``pair`` tells the
        server's certificate and key, None where it has none."""
        self._folder = folder
        self._pseudonyms = state / PSEUDONYM_KEY
        self._pair = pair
        self._delivery = delivery
        self._metrics: MetricsListener | None = None
        self._metrics_config: MetricsPort = bridge.metrics
        self._syslog_config: Syslog | None = bridge.syslog
        self._security_log = self._log_of(bridge.syslog)
        self._sender: asyncio.Task[None] | None = None
        self._hooks: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}

    def problem(self, bridge: Bridge) -> str:
        """Why settings cannot be used, as a sentence; "" where they can."""
        try:
            self._context(bridge.metrics)
        except MetricsConfigError as error:
            return str(error)
        return ""

    async def start(self, bridge: Bridge, metrics: MetricsListener) -> None:
        """Run everything, as these settings have it."""
        self._metrics = metrics
        self._run_security_log()
        self._follow_webhooks(bridge.webhooks)
        await metrics.start(self._context(bridge.metrics))

    async def apply(self, bridge: Bridge) -> list[str]:
        """Follow changed settings, which have no `problem`; return the keys of sentences on what
        could not be done."""
        self._follow_webhooks(bridge.webhooks)
        if bridge.syslog != self._syslog_config:
            self._syslog_config = bridge.syslog
            self._security_log = self._log_of(bridge.syslog)
            self._run_security_log()
        if self._metrics is not None and bridge.metrics != self._metrics_config:
            self._metrics_config = bridge.metrics
            await self._metrics.move(bridge.metrics, self._context(bridge.metrics))
            if not self._metrics.url:
                return ["api.metrics_not_served"]
        return []

    async def stop(self) -> None:
        """End everything."""
        if self._metrics is not None:
            await self._metrics.stop()
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def healthy(self) -> bool:
        """Whether everything that was started still runs."""
        return all(not task.done() for task in self._tasks())

    def note(self, line: Line) -> None:
        """Send a line of the audit trail to the collector, where there is one."""
        if self._security_log is not None:
            self._security_log.note(line)

    def _tasks(self) -> list[asyncio.Task[None]]:
        hooks = [task for _, task in self._hooks.values()]
        return [*hooks, *([self._sender] if self._sender is not None else [])]

    def _context(self, metrics: MetricsPort) -> ssl.SSLContext | None:
        return tls_context(metrics, self._folder, self._pair())

    def _log_of(self, syslog: Syslog | None) -> SecurityLog | None:
        return SecurityLog(syslog, self._folder, self._pseudonyms) if syslog is not None else None

    def _run_security_log(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        log = self._security_log
        self._sender = asyncio.create_task(log.run()) if log is not None else None

    def _follow_webhooks(self, wanted: list[Webhook]) -> None:
        """A webhook that is no more, or another under its name, ends; a new one begins."""
        by_id = {hook.id: hook for hook in wanted}
        for ident, (hook, task) in list(self._hooks.items()):
            if by_id.get(ident) != hook:
                task.cancel()
                del self._hooks[ident]
        for ident, hook in by_id.items():
            if ident not in self._hooks:
                self._hooks[ident] = (hook, asyncio.create_task(self._delivery.run(hook)))
