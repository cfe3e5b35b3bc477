"""The endpoint agent of a room PC: reflects probes, reports the machine and its devices, watches
the kiosk, and does what the bridge asks (docs/agent-protocol.md).

It opens no port but the reflector's and updates nothing by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from endpoints.agent.camera_control import CameraControl
from endpoints.agent.camera_outcome import CameraError
from endpoints.agent.kiosk import Kiosk
from endpoints.agent.link import AgentLink
from endpoints.agent.log_keeper import LogKeeper
from endpoints.agent.machine import Devices
from endpoints.agent.test_call import TestCall
from endpoints.agent.update import NotUpdated, Staged, Updater, Wanted
from endpoints.netem.impairment import Hop
from endpoints.reflector.engine import Reflector
from endpoints.reflector.socket import ReflectorSocket
from endpoints.webrtc.known_hosts import Hosts
from monitoring.probing.clock_state import clock_state

log = logging.getLogger("agent")

LOOK_EVERY = 2.0  # seconds between looks at the devices
REPORT_EVERY = 10.0  # seconds between reports where nothing changes
WELCOME_WAIT = 20.0  # seconds that the kiosk waits for the bridge at the start
BIND_AGAIN = 5.0  # seconds until the reflector's port is tried again


class KioskMaker(Protocol):
    """Makes the kiosk that an agent watches; the callbacks are described at `Kiosk`."""

    def __call__(
        self,
        *,
        where: Callable[[], str],
        want_code: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
    ) -> Kiosk: ...


class Agent:
    """The agent of one point.

    ``host`` is the address on which the reflector listens, ``kiosk`` makes the browser that the
    agent watches; without one ``kiosk_state`` says what is there instead (off, headless). ``hop``
    is an impaired line before the reflector, ``keeper`` holds the log that the bridge may ask for.
    ``hosts`` has the hosts that it remembers.
    """

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        machine: Devices,
        *,
        host: str = "0.0.0.0",  # noqa: S104 - only the bridge's addresses are answered
        kiosk: KioskMaker | None = None,
        kiosk_state: Callable[[], str] = lambda: "off",
        hop: Hop | None = None,
        keeper: LogKeeper | None = None,
        tls: ssl.SSLContext | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        self._hosts = hosts if hosts is not None else Hosts(url, tls=tls)
        self._updater = Updater(lambda: self._hosts.url, tls)
        self._link = AgentLink(
            self._hosts, point, key, self._updater.version, self._message, self._linked
        )
        self._machine = machine
        self._host = host
        self._kiosk = (
            kiosk(
                where=lambda: self._hosts.url,
                want_code=self._want_code,
                changed=self._report_soon,
            )
            if kiosk is not None
            else None
        )
        self._kiosk_state = kiosk_state
        self._hop = hop
        self._keeper = keeper
        self._tls = tls
        self._reflector: ReflectorSocket | None = None
        self._wanted: tuple[int, bytes, frozenset[str]] | None = None
        self._changed = asyncio.Event()
        self._camera = CameraControl(self._report_soon)
        self._rewire = asyncio.Event()
        self._greeted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._call = asyncio.Lock()
        self._in_conference = False
        self._staged = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled. Raises `KeyRevoked` where the key is not valid any more, and
        `Staged` where the launcher has a release to try."""
        jobs = [self._link.run(), self._report(), self._reflect(), self._until_staged()]
        jobs.append(self._camera.run())
        if self._kiosk is not None:
            jobs.append(self._run_kiosk(self._kiosk))
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._link.close()
            for task in [*tasks, *self._tasks]:
                task.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            if self._reflector is not None:
                self._reflector.close()

    async def _run_kiosk(self, kiosk: Kiosk) -> None:
        """The bridge's certificate comes with its welcome; a browser that was started before it
        would refuse the page."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WELCOME_WAIT):
                await self._greeted.wait()
        await kiosk.run()

    def _report_soon(self) -> None:
        """Report now: something changed."""
        self._changed.set()

    def _linked(self, up: bool) -> None:
        log.info("connected to the bridge" if up else "the bridge is away")
        if up:
            self._changed.set()
        elif self._kiosk is not None:  # how its page is cannot be known now
            self._kiosk.room(True, asyncio.get_running_loop().time())

    # --- messages -----------------------------------------------------------------------

    def _message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                senders = frozenset(message["senders"])
                self._wanted = (message["port"], bytes.fromhex(message["key"]), senders)
                self._rewire.set()
                if self._kiosk is not None:
                    self._kiosk.use_authority(message.get("certificate", ""))
                self._greeted.set()
            case "room" if self._kiosk is not None:
                self._kiosk.code(message["code"])
            case "room_state":
                self._in_conference = message["in_conference"]
                if self._kiosk is not None:
                    self._kiosk.room(message["connected"], asyncio.get_running_loop().time())
            case "update":
                wanted = Wanted(message["release"], message["sha256"], message["size"])
                self._start(self._update(message["id"], wanted))
            case "camera":
                self._camera.describe(message)
            case "preset":
                self._start(self._preset(message["id"], message["token"]))
            case "command":
                self._start(self._command(message["id"], message["name"]))
            case "ended":
                log.warning("the bridge hangs up: %s", message["reason"])
            case _:
                pass

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _want_code(self) -> None:
        """Ask the bridge for a one-time code for the kiosk's page, which has no key yet."""
        while not self._link.connected:  # noqa: ASYNC110 - nobody tells, and it takes seconds
            await asyncio.sleep(0.5)
        await self._link.send({"type": "want_room"})

    async def _command(self, ident: int, name: str) -> None:
        log.info("asked for %s", name)
        outcome: dict[str, Any] = {"type": "outcome", "id": ident, "ok": True}
        match name:
            case "restart_kiosk" if self._kiosk is not None:
                self._kiosk.restart()
            case "send_logs":
                outcome["log"] = self._keeper.text() if self._keeper is not None else ""
            case "self_test" | "test_call":
                if name == "self_test":
                    self._changed.set()
                call = await self._test_call()
                outcome["call"] = call
                outcome["ok"] = call["picture"] and call["sound"]
            case _:
                outcome |= {"ok": False, "detail": f"this agent cannot do {name}"[:200]}
        await self._link.send(outcome)

    async def _preset(self, ident: int, token: str) -> None:
        """Have the camera go to a preset, and say what came of it."""
        outcome: dict[str, Any] = {"type": "outcome", "id": ident, "ok": True}
        try:
            await self._camera.recall(token)
        except CameraError as error:
            log.warning("the camera did not go to preset %r: %s", token, error.detail)
            outcome |= {"ok": False, "camera": error.why, "detail": error.detail}
        await self._link.send(outcome)

    async def _update(self, ident: int, wanted: Wanted) -> None:
        """Take an update, or say why not."""
        log.info("asked to update to %s", wanted.release)
        outcome: dict[str, Any] = {"type": "outcome", "id": ident, "ok": True}
        try:
            await self._updater.stage(wanted, in_conference=self._in_conference)
            if self._in_conference:  # it began meanwhile
                raise NotUpdated("The point is in a conference.")
        except NotUpdated as error:
            log.warning("not updated: %s", error)
            await self._link.send(outcome | {"ok": False, "detail": str(error)[:200]})
            return
        await self._link.send(outcome)
        self._staged.set()

    async def _until_staged(self) -> None:
        await self._staged.wait()
        raise Staged

    async def _test_call(self) -> dict[str, Any]:
        async with self._call:  # one at a time
            link = self._link
            url = self._hosts.url
            return await TestCall(url, link.point, link.key, tls=self._tls).run()

    # --- reports ------------------------------------------------------------------------

    async def _report(self) -> None:
        loop = asyncio.get_running_loop()
        last: dict[str, Any] = {}
        sent = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._changed.wait()
            asked = self._changed.is_set()
            self._changed.clear()
            devices = await asyncio.to_thread(self._machine.devices)
            now = loop.time()
            camera = {"state": self._camera.state, "detail": self._camera.detail}
            fixed = {"devices": devices, "kiosk": self._kiosk_report(), "steered": camera}
            if not asked and fixed == last and now - sent < REPORT_EVERY:
                continue
            last, sent = fixed, now
            counters = self._reflector.reflector.counters if self._reflector is not None else {}
            report = {
                "type": "report",
                **fixed,
                "machine": await asyncio.to_thread(self._machine.state_of),
                "reflector": self._reflector is not None,
                "reflected": counters.get("reflected", 0) % 2**31,
                "refused": sum(v for k, v in counters.items() if k != "reflected") % 2**31,
            }
            if failed := self._updater.failed():
                report["failed"] = failed
            await self._link.send(report)
            if self._link.connected:
                self._updater.confirm()

    def _kiosk_report(self) -> dict[str, Any]:
        if self._kiosk is not None:
            return dict(self._kiosk.report)
        return {"state": self._kiosk_state(), "reason": "", "restarts": 0}

    # --- the reflector ------------------------------------------------------------------

    async def _reflect(self) -> None:
        """Listen as the bridge says; a port that is taken is tried again."""
        while True:
            await self._rewire.wait()
            self._rewire.clear()
            assert self._wanted is not None
            port, key, senders = self._wanted
            if self._reflector is not None and self._reflector.address[1] == port:
                self._reflector.reflector.admit(senders, key)
            else:
                if self._reflector is not None:
                    self._reflector.close()
                    self._reflector = None
                try:
                    self._reflector = ReflectorSocket(
                        Reflector(senders=senders, key=key), self._host, port, self._hop
                    )
                except OSError as error:
                    log.error("UDP port %d cannot be opened: %s", port, error.strerror)
                    asyncio.get_running_loop().call_later(BIND_AGAIN, self._rewire.set)
                    continue
            self._reflector.reflector.set_clock_error(clock_state().estimate)
            self._changed.set()
