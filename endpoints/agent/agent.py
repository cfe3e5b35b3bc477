"""The endpoint agent: runs on the room PC, reflects probes, reports devices, watches the kiosk.

``python -m endpoints.agent enrol URL CODE`` once, then ``python -m endpoints.agent run`` (under
systemd: docs/systemd/diem-cau-agent.service). It opens no port but the reflector's and updates
nothing by itself.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import logging
import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Protocol

import aiohttp
import typer

from bridge.base import logs
from bridge.base.systemd import notify, watchdog
from bridge.base.version import VERSION
from endpoints.agent.kiosk import Kiosk
from endpoints.agent.link import AgentLink, Refused
from endpoints.agent.machine import Machine
from endpoints.agent.test_call import LoopCall
from endpoints.reflector.engine import Reflector
from endpoints.reflector.socket import Hop, ReflectorSocket
from endpoints.webrtc import aiortc_seams
from monitoring.probing.clock_state import clock_state

log = logging.getLogger("agent")


LOOK_EVERY = 2.0  # seconds between looks at the devices
REPORT_EVERY = 10.0  # seconds between reports where nothing changes
LOG_LINES = 400
LOG_SENT = 30_000  # characters
WELCOME_WAIT = 20.0  # seconds that the kiosk waits for the bridge at the start
BIND_AGAIN = 5.0  # seconds until the reflector's port is tried again
STATE = Path("~/.local/state/diem-cau-agent").expanduser()
SETTINGS = "agent.json"
EXIT_REVOKED, EXIT_BAD_INPUT = 3, 2


class Devices(Protocol):
    """What the agent asks of its machine: `endpoints.agent.machine.Machine`, or a simulated one."""

    def devices(self) -> list[dict[str, str]]: ...

    def state_of(self) -> dict[str, Any]: ...


class LogKeeper(logging.Handler):
    """The last lines of the log, for *send logs*."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.lines.append(text if record.levelno <= logging.DEBUG else logs.redacted(text))

    def text(self) -> str:
        return "\n".join(self.lines)[-LOG_SENT:]


class Agent:
    """One agent. ``host`` is where the reflector listens; ``kiosk`` is None on a machine that is
    no kiosk, and then ``kiosk_state`` says what it is instead."""

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        machine: Devices,
        *,
        host: str = "0.0.0.0",  # noqa: S104 - only the bridge's addresses are answered
        kiosk: Kiosk | None = None,
        kiosk_state: Callable[[], str] = lambda: "off",
        hop: Hop | None = None,
        keeper: LogKeeper | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._link = AgentLink(url, point, key, VERSION, self._message, self._linked, tls)
        self._machine = machine
        self._host = host
        self._kiosk = kiosk
        if kiosk is not None:
            kiosk.want_code, kiosk.changed = self.want_code, self.changed
        self._kiosk_state = kiosk_state
        self._hop = hop
        self._keeper = keeper
        self._tls = tls
        self._reflector: ReflectorSocket | None = None
        self._wanted: tuple[int, bytes, frozenset[str]] | None = None
        self._changed = asyncio.Event()
        self._rewire = asyncio.Event()
        self._greeted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._call = asyncio.Lock()

    async def run(self) -> None:
        """Live until cancelled. Raises `Refused` where the key is not valid any more."""
        jobs = [self._link.run(), self._report(), self._reflect()]
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

    def changed(self) -> None:
        """Something to report."""
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
                    self._kiosk.certificate = message.get("certificate", "")
                self._greeted.set()
            case "room" if self._kiosk is not None:
                self._kiosk.code(message["code"])
            case "room_state" if self._kiosk is not None:
                self._kiosk.room(message["connected"], asyncio.get_running_loop().time())
            case "command":
                self._start(self._command(message["id"], message["name"]))
            case "ended":
                log.warning("the bridge hangs up: %s", message["reason"])
            case _:
                pass

    def _start(self, job: Any) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def want_code(self) -> None:
        """The kiosk's page has no key yet."""
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

    async def _test_call(self) -> dict[str, Any]:
        async with self._call:  # one at a time
            call = LoopCall(
                self._link.url, self._link.point, self._link.key, _test_tracks, tls=self._tls
            )
            return await call.run()

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
            fixed = {"devices": devices, "kiosk": self._kiosk_report()}
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
            await self._link.send(report)

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
                self._reflector.reflector.key = key
                self._reflector.reflector.senders = senders
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
            self._reflector.reflector.error = clock_state().estimate
            self._changed.set()


def _test_tracks(number: int) -> Any:
    from endpoints.simulation import points  # noqa: PLC0415 - most agents never need it

    return (
        points.ToneTrack(number),
        points.CardTrack(number, width=320, height=180),
    )


# --- the command line ----------------------------------------------------------------------

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The endpoint agent of a room PC.",
)
StateOption = Annotated[Path, typer.Option(help="the agent's folder", envvar="STATE_DIRECTORY")]
CaOption = Annotated[Path | None, typer.Option(help="the bridge's own authority (PEM)")]


def _tls(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        typer.echo(f"The certificate {ca} cannot be used: {error}.", err=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(help="the bridge, for example https://192.0.2.1:8443")],
    code: Annotated[str, typer.Argument(help="the one-time code (admin page, or bridge.py point)")],
    state: StateOption = STATE,
    ca: CaOption = None,
) -> None:
    """Use a one-time code; the key is kept in the agent's folder, readable by its owner only."""
    tls = _tls(ca)

    async def ask() -> tuple[int, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            body = {"code": code, "name": f"agent on {os.uname().nodename}"[:100]}
            address = f"{url.rstrip('/')}/api/v1/enrol"
            trusted: Any = tls if tls is not None else True
            async with http.post(address, json=body, ssl=trusted) as answer:
                return answer.status, await answer.json(content_type=None)

    try:
        status, document = asyncio.run(ask())
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        typer.echo(
            f"The bridge at {url} cannot be reached: {error}. Check the address and the network.",
            err=True,
        )
        raise typer.Exit(1) from None
    if status != 201:
        typer.echo(str(document.get("detail") or document.get("title") or status), err=True)
        raise typer.Exit(1)
    settings = {"url": url.rstrip("/"), "point": document["point"], "key": document["key"]}
    if ca is not None:
        settings["ca"] = ca.read_text("ascii")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / SETTINGS
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(settings, file, indent=2)
    temporary.replace(path)
    typer.echo(f"This machine is now the agent of {document['point']}.")


@app.command("run")
def run_agent(
    state: StateOption = STATE,
    listen: Annotated[str, typer.Option(help="where the reflector listens")] = "0.0.0.0",  # noqa: S104
    kiosk: Annotated[bool, typer.Option(help="start and watch the kiosk browser")] = True,
    browser: Annotated[str, typer.Option(help="the browser to start")] = "chromium",
    headless_browser: Annotated[bool, typer.Option(hidden=True)] = False,
    camera: Annotated[
        str | None,
        typer.Option(help="no browser: be the point, from /dev/video0, rtsp://… or a file"),
    ] = None,
    microphone: Annotated[
        str | None, typer.Option(help="ALSA device for --camera, for example default")
    ] = None,
) -> None:
    """Run the agent until it is told to stop."""
    keeper = LogKeeper()
    logs.configure(process="agent")
    logging.getLogger().addHandler(keeper)
    logging.getLogger("aioice").setLevel(logging.WARNING)  # a line a candidate pair
    try:
        settings = json.loads((state / SETTINGS).read_text("utf-8"))
        url, point, key = settings["url"], settings["point"], settings["key"]
    except (OSError, ValueError, KeyError, TypeError):
        typer.echo(
            f"There is no usable {state / SETTINGS}. Enrol first: "
            "python -m endpoints.agent enrol URL CODE.",
            err=True,
        )
        raise typer.Exit(EXIT_BAD_INPUT) from None
    tls = ssl.create_default_context(cadata=settings["ca"]) if "ca" in settings else None

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        screen = None
        headless = None
        # Media of ours is marked; a headless point looks at what it receives now and then only.
        if camera is None:
            aiortc_seams.install_lines()
        else:
            from endpoints.webrtc.camera import HeadlessPoint  # noqa: PLC0415 - a kiosk needs none of it

            aiortc_seams.install()

            headless = HeadlessPoint(url, point, key, camera=camera, microphone=microphone, tls=tls)
        if camera is None and kiosk:
            screen = Kiosk(
                url,
                state,
                browser=browser,
                headless=headless_browser,
                extra=FAKE_MEDIA if headless_browser else (),
            )
        machine: Devices = Machine(state)
        if headless is not None:
            machine = headless.machine(machine)
        agent = Agent(
            url,
            point,
            key,
            machine,
            host=listen,
            kiosk=screen,
            keeper=keeper,
            tls=tls,
            kiosk_state=lambda: "headless" if headless is not None else "off",
        )
        alive = asyncio.create_task(watchdog(lambda: True))
        notify("READY=1")
        jobs = [asyncio.create_task(agent.run()), asyncio.create_task(stop.wait())]
        if headless is not None:
            jobs.append(asyncio.create_task(headless.run()))
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in [*jobs, alive]:
            job.cancel()
        await asyncio.gather(*jobs, alive, return_exceptions=True)
        for job in done:
            if not job.cancelled():
                job.result()

    try:
        asyncio.run(main())
    except Refused:
        typer.echo(
            "The bridge does not know this agent's key (any more). Enrol it again: "
            "python -m endpoints.agent enrol URL CODE.",
            err=True,
        )
        raise typer.Exit(EXIT_REVOKED) from None


FAKE_MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
