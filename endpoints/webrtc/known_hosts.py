"""Which host of the bridge an endpoint talks to. There may be several, one of which leads: all of
them are asked at once, and whoever leads is followed. Its counterpart for pages is
bridge/web/common/hosts.js."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from bridge.base.patience import patiently

log = logging.getLogger("hosts")

AGAIN = 0.3  # seconds until a host that does not lead is asked again
LOOK = 3.0  # seconds of patience with a host that is asked
LIMIT = 4.0  # seconds until looking is given up for now
MOST = 8  # hosts
QUIET_EVERY, QUIET = 0.5, 3  # seconds between looks; looks without a word until others are asked
NO_WORKER = "/problems/http.no_worker"


def usable(found: object) -> tuple[str, ...]:
    """Addresses of several hosts out of what was told or kept; none where that is something else.
    Pure."""
    if not isinstance(found, list | tuple):
        return ()
    hosts = [host for host in found[:MOST] if isinstance(host, str)]
    hosts = [host.rstrip("/") for host in hosts if host.startswith(("http://", "https://"))]
    return tuple(dict.fromkeys(hosts)) if len(set(hosts)) > 1 else ()


class Hosts:
    """The hosts that an endpoint knows, and the one that it follows."""

    def __init__(
        self,
        url: str,
        known: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        learnt: Callable[[tuple[str, ...]], None] = lambda _: None,
    ) -> None:
        """``url`` is what it was given, ``known`` are the hosts that it remembers; ``learnt`` is
        told when there are others."""
        self.url = url.rstrip("/")
        self.all = usable(tuple(known))
        self.tls: Any = tls if tls is not None else True
        self._learnt = learnt

    @property
    def several(self) -> bool:
        """Whether there is another host to go to."""
        return len(self.all) > 1

    def learn(self, found: object) -> None:
        """A host has said which ones there are."""
        hosts = usable(found)
        if hosts != self.all:
            self.all = hosts
            self._learnt(hosts)

    async def follow(self, http: aiohttp.ClientSession) -> bool:
        """Find out who leads; whether that is another host than before."""
        if not self.several:
            return False
        found = await seek(self.all, lambda host: self._leads(http, host))
        if found is None or found == self.url:
            return False
        log.info("the bridge is at %s now", found)
        self.url = found
        return True

    async def _leads(self, http: aiohttp.ClientSession, host: str) -> bool:
        """Whether a host leads; one without a media worker does, too."""
        async with http.get(f"{host}/healthz", ssl=self.tls) as response:
            if response.status == 200:
                return True
            document = await response.json(content_type=None)
            return bool(document["type"] == NO_WORKER)


async def seek(
    hosts: Iterable[str], leads: Callable[[str], Any], limit: float = LIMIT
) -> str | None:
    """The first of several hosts that ``leads`` says does; None where none does for so many
    seconds. One that does not answer keeps nobody waiting."""

    async def ask(host: str) -> str:
        while True:
            try:
                if await patiently(leads(host), LOOK):
                    return host
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError):
                pass
            await asyncio.sleep(AGAIN)

    asking = [asyncio.create_task(ask(host)) for host in hosts]
    try:
        done, _ = await asyncio.wait(asking, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        return next((task.result() for task in done), None)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


class Quiet:
    """Leaves a host from which nothing comes, where another one leads meanwhile."""

    def __init__(
        self, hosts: Hosts, http: aiohttp.ClientSession, leave: Callable[[], None]
    ) -> None:
        self._hosts = hosts
        self._http = http
        self._leave = leave
        self._looks = 0

    def heard(self) -> None:
        """The host said something."""
        self._looks = 0

    async def watch(self) -> None:
        """Look until it was left, or until cancelled."""
        while True:
            await asyncio.sleep(QUIET_EVERY)
            self._looks += 1
            if self._looks < QUIET or not self._hosts.several:
                continue
            if await self._hosts.follow(self._http):
                self._leave()
                return
