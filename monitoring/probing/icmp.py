"""ICMP echo, the last resort for points with neither agent nor reflector: it tells that a line is
up and how long a round trip takes, and nothing about the directions. Needs icmplib, an optional
extra (``pip install .[icmp]``). A shell."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from typing import Any

from monitoring.probing import stamp
from monitoring.probing.delays import Sample
from monitoring.probing.session import Probe

log = logging.getLogger("icmp")

INTERVAL = 1.0  # seconds
TIMEOUT = 1.0


def _library() -> Any | None:
    try:
        return importlib.import_module("icmplib")
    except ImportError:
        return None


class Echoes:
    """Echo requests to hosts by name. The figures come as a `Probe`, with the loss of the round
    trip in both directions."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._probes: dict[str, Probe] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told = False

    def set_hosts(self, hosts: dict[str, str]) -> None:
        if hosts == self._hosts:
            return
        for name in list(self._tasks):
            if hosts.get(name) != self._hosts.get(name):
                self._tasks.pop(name).cancel()
                self._probes.pop(name, None)
        self._hosts = dict(hosts)
        library = _library()
        if library is None:
            if hosts and not self._told:
                self._told = True
                log.error(
                    "points are to be probed by ICMP echo, and icmplib is not installed: "
                    "pip install icmplib"
                )
            return
        for name, host in hosts.items():
            if name not in self._tasks:
                self._probes[name] = Probe(stamp.Style(), stateful=False)
                self._tasks[name] = asyncio.create_task(self._run(library, name, host))

    def sessions(self, name: str) -> dict[str, Probe]:
        probe = self._probes.get(name)
        return {"icmp": probe} if probe is not None else {}

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, library: Any, name: str, host: str) -> None:
        loop = asyncio.get_running_loop()
        probe = self._probes[name]
        while True:
            started = loop.time()
            if probe.started is None:
                probe.started = started
            seconds: float | None = None
            with contextlib.suppress(OSError, library.ICMPLibError):
                found = await library.async_ping(host, count=1, timeout=TIMEOUT, privileged=False)
                seconds = found.rtts[0] / 1e3 if found.rtts else None
            count(probe, seconds, loop.time())
            await asyncio.sleep(max(0.0, INTERVAL - (loop.time() - started)))


def count(probe: Probe, seconds: float | None, now: float) -> None:
    """Take an echo's round trip in (None: it did not come back). Pure."""
    silent = probe.last_reply is None or now - probe.last_reply > 3 * INTERVAL
    for totals in (probe.down, probe.up):
        if seconds is not None or not silent:
            totals.expected += 1
            totals.lost += seconds is None
    if seconds is not None:
        if probe.last_reply is not None and silent:
            probe.outage_seconds += now - probe.last_reply
        probe.last_reply = now
        probe.samples.append(Sample(now, seconds / 2, seconds / 2, seconds, 0))
