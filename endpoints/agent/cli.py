"""The commands of the endpoint agent.

``python -m endpoints.agent enrol URL CODE`` once, then ``python -m endpoints.agent run`` (under
systemd: docs/systemd/diem-cau-agent.service).
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import signal
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import aiohttp
import typer

from bridge.base import logs
from bridge.base.files import write_private
from bridge.base.systemd import attend
from endpoints.agent.agent import Agent, KioskMaker
from endpoints.agent.kiosk import Kiosk
from endpoints.agent.link import KeyRevoked
from endpoints.agent.log_keeper import LogKeeper
from endpoints.agent.machine import CameraMachine, Machine
from endpoints.agent.update import EXIT_STAGED, Staged
from endpoints.webrtc import aiortc_seams
from endpoints.webrtc.camera import CameraPoint
from endpoints.webrtc.known_hosts import Hosts, usable

STATE = Path("~/.local/state/diem-cau-agent").expanduser()
SETTINGS = "agent.json"
HOSTS = "hosts.json"  # what the bridge has said last of its hosts
EXIT_REVOKED, EXIT_BAD_INPUT = 3, 2
ENROL_TIMEOUT = aiohttp.ClientTimeout(total=10)  # seconds
FAKE_MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

log = logging.getLogger("agent")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The endpoint agent of a room PC.",
)
StateOption = Annotated[Path, typer.Option(help="the agent's folder", envvar="STATE_DIRECTORY")]
CaOption = Annotated[Path | None, typer.Option(help="the bridge's own authority (PEM)")]


class Settings(NamedTuple):
    """The agent's settings, as enrolling stored them: the bridge's address, the point and its key.
    ``tls`` is None where a public authority signed the bridge's certificate."""

    url: str
    point: str
    key: str
    tls: ssl.SSLContext | None


# --- enrol ---------------------------------------------------------------------------------


def trusted(ca: Path | None) -> ssl.SSLContext | None:
    """A TLS context that trusts an authority of the bridge's own; None for the public ones."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        typer.echo(f"The certificate {ca} cannot be used: {error}.", err=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None


async def redeem(url: str, code: str, tls: ssl.SSLContext | None) -> tuple[int, dict[str, Any]]:
    """Give the bridge a one-time code; return its answer's HTTP status and document."""
    async with aiohttp.ClientSession(timeout=ENROL_TIMEOUT) as http:
        body = {"code": code, "name": f"agent on {os.uname().nodename}"[:100]}
        address = f"{url.rstrip('/')}/api/v1/enrol"
        ssl_: Any = tls if tls is not None else True
        async with http.post(address, json=body, ssl=ssl_) as answer:
            return answer.status, await answer.json(content_type=None)


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(help="the bridge, for example https://192.0.2.1:8443")],
    code: Annotated[str, typer.Argument(help="the one-time code (admin page, or bridge.py point)")],
    state: StateOption = STATE,
    ca: CaOption = None,
) -> None:
    """Use a one-time code; the key is kept in the agent's folder, readable by its owner only."""
    tls = trusted(ca)
    try:
        status, document = asyncio.run(redeem(url, code, tls))
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
    hosts = usable(document.get("hosts"))
    if ca is not None:
        settings["ca"] = ca.read_text("ascii")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(state / SETTINGS, json.dumps(settings, indent=2))
    write_private(state / HOSTS, json.dumps(hosts))
    typer.echo(f"This machine is now the agent of {document['point']}.")


# --- run -----------------------------------------------------------------------------------


def read_settings(path: Path) -> Settings:
    """Read what `enrol` wrote. Raises `typer.Exit`, with a sentence, where that is of no use."""
    try:
        found = json.loads(path.read_text("utf-8"))
        url, point, key = found["url"], found["point"], found["key"]
    except (OSError, ValueError, KeyError, TypeError):
        typer.echo(
            f"There is no usable {path}. Enrol first: python -m endpoints.agent enrol URL CODE.",
            err=True,
        )
        raise typer.Exit(EXIT_BAD_INPUT) from None
    tls = ssl.create_default_context(cadata=found["ca"]) if "ca" in found else None
    return Settings(url, point, key, tls)


def known_hosts(settings: Settings, state: Path) -> Hosts:
    """The hosts of the bridge as the agent remembers them, which keeps what it is told of them."""
    path = state / HOSTS

    def keep(hosts: tuple[str, ...]) -> None:
        try:
            write_private(path, json.dumps(hosts))
        except OSError as error:
            log.warning("the bridge's hosts cannot be remembered: %s", error.strerror)

    try:
        known = usable(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        known = ()
    return Hosts(settings.url, known, settings.tls, keep)


async def until_stopped(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run jobs until one ends or the process is told to stop. Raises what the job raised."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    alive = asyncio.create_task(attend(lambda: True))
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(job) for job in (*jobs, stop.wait())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in [*tasks, alive]:
        task.cancel()
    await asyncio.gather(*tasks, alive, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()


async def run_beside_browser(
    settings: Settings, state: Path, kiosk: KioskMaker | None, listen: str, keeper: LogKeeper
) -> None:
    """Be the agent of a room whose point is a browser; ``kiosk`` starts that browser, None where
    somebody else does."""
    aiortc_seams.install_lines()
    agent = Agent(
        settings.url,
        settings.point,
        settings.key,
        Machine(state),
        host=listen,
        kiosk=kiosk,
        keeper=keeper,
        tls=settings.tls,
        hosts=known_hosts(settings, state),
    )
    await until_stopped(agent.run())


async def run_camera(
    settings: Settings,
    state: Path,
    camera: str,
    microphone: str | None,
    listen: str,
    keeper: LogKeeper,
) -> None:
    """Be the agent and, without a browser, the point itself."""
    aiortc_seams.install()  # what is received is decoded now and then only
    url, name, key, tls = settings
    hosts = known_hosts(settings, state)
    point = CameraPoint(
        url, name, key, camera=camera, microphone=microphone, tls=tls, known=hosts.all
    )
    agent = Agent(
        url,
        name,
        key,
        CameraMachine(point.sources, Machine(state)),
        host=listen,
        kiosk_state=lambda: "headless",
        keeper=keeper,
        tls=tls,
        hosts=hosts,
    )
    await until_stopped(agent.run(), point.run())


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
    settings = read_settings(state / SETTINGS)
    screen = functools.partial(
        Kiosk,
        state,
        browser=browser,
        headless=headless_browser,
        extra=FAKE_MEDIA if headless_browser else (),
    )
    running = (
        run_camera(settings, state, camera, microphone, listen, keeper)
        if camera is not None
        else run_beside_browser(settings, state, screen if kiosk else None, listen, keeper)
    )
    try:
        asyncio.run(running)
    except Staged:
        raise typer.Exit(EXIT_STAGED) from None
    except KeyRevoked:
        typer.echo(
            "The bridge does not know this agent's key (any more). Enrol it again: "
            "python -m endpoints.agent enrol URL CODE.",
            err=True,
        )
        raise typer.Exit(EXIT_REVOKED) from None
