"""Keeps the SIP gateway running while a point is a codec, tells it what it has to know, takes its
figures. It is a process of its own that outlives this one, like the media worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from bridge.app.certificates import ServerCertificate
from bridge.conference.model import PointId
from bridge.control.control import Control
from bridge.sip import gateway_orders as o
from bridge.telemetry.meters import Meters
from config.schema import Point
from config.sip_schema import Secret, password_in

log = logging.getLogger("sip")

START_TIMEOUT = 15.0  # seconds from its start to its socket
RESTART_DELAY = 0.5  # seconds before one that died is started again; doubles up to
RESTART_MAX = 10.0
STOP_TIMEOUT = 5.0
LOOK_EVERY = 1.0  # seconds between looks at whether the topology has changed
SILENT = 10.0  # seconds without news after which it hangs, and is ended
MODES: Mapping[str, tuple[int, ...]] = {"both": (1, 0), "fragments": (1,), "single": (0,)}
SOCKET = "sip.sock"  # in the state folder
ROOT = Path(__file__).parent.parent.parent


class Process(Protocol):
    """What the gateway has to be told of: the control process."""

    control: Control
    keys: dict[PointId, str]
    certificate: ServerCertificate
    meters: Meters
    url: str


class Passwords:
    """Passwords of codecs and of the registrar. They are read again and again: where a file cannot
    be used just now (somebody writes it, say) what stood there last counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, str] = {}
        self._said: dict[str, str] = {}

    def of(self, secret: Secret) -> str:
        """A password; "" where there is none, or never was one: then nobody proves anything."""
        if secret.password_environment is not None:
            return os.environ.get(secret.password_environment, "")
        name = secret.password_file
        if name is None:
            return ""
        problem = ""
        try:
            self._last[name] = password_in((self._folder / name).read_bytes())
        except (OSError, ValueError) as error:
            problem = str(error)
        if problem and problem != self._said.get(name):
            log.error("the password in %s cannot be used: %s", name, problem)
        self._said[name] = problem
        return self._last.get(name, "")


class SipGateway:
    """The gateway's process, told and listened to."""

    def __init__(self, process: Process, folder: Path, state: Path) -> None:
        """Passwords' files lie in ``folder``, the gateway's socket in ``state``."""
        self._around = process
        self._passwords = Passwords(folder)
        self._control = state / SOCKET
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.pid = 0
        """Of the gateway that is listened to, whoever started it; 0 for none."""
        self._told: o.Setup | None = None
        self._heard = asyncio.Event()
        self._figures = process.meters.gateway

    async def run(self) -> None:
        """Keep it running until cancelled; it goes on then, for whoever comes next."""
        delay = RESTART_DELAY
        while True:
            if self._setup() is None:
                await asyncio.sleep(LOOK_EVERY)
                continue
            connection = await self._connect() or await self._start()
            if connection is not None:
                await self._serve(*connection)
                delay = RESTART_DELAY
            self._figures.gone()
            if self._setup() is not None:
                log.warning("the SIP gateway is gone")
                await asyncio.sleep(delay)
                delay = min(RESTART_MAX, delay * 2)

    def ask_to_end(self) -> None:
        """Tell it to end; returns at once."""
        self._send(o.Shutdown())

    async def shutdown(self) -> None:
        """Wait until it has ended, in the end by force."""
        process = self._process
        if process is not None and process.returncode is None:
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                process.kill()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._told, self.pid = writer, None, pid_of(writer)
        watch = asyncio.create_task(self._watch(writer))
        try:
            while line := await reader.readline():
                self._figures.take(o.news_decoder.decode(line))
                self._heard.set()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.error("the SIP gateway: %s", error)
        finally:
            self._writer, self.pid = None, 0
            watch.cancel()
            writer.close()

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        """Tell it what is new; hang up on one that says nothing any more."""
        silent = 0.0
        while True:
            wanted = self._setup()
            if wanted is None:
                self._send(o.Shutdown())
            elif wanted != self._told:
                self._told = wanted
                self._send(wanted)
            await asyncio.sleep(LOOK_EVERY)
            silent = 0.0 if self._heard.is_set() else silent + LOOK_EVERY
            self._heard.clear()
            if silent > SILENT:
                log.error("the SIP gateway hangs; it is ended")
                if self.pid > 0:  # it may be one that another control process has started
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, signal.SIGKILL)
                writer.close()
                return

    def _send(self, order: o.Order) -> None:
        if self._writer is not None:
            self._writer.write(o.encoder.encode(order) + b"\n")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        with contextlib.suppress(OSError):
            return await asyncio.open_unix_connection(str(self._control), limit=o.MAX_LINE)
        return None

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        # A session of its own: neither Ctrl-C nor the end of this process reaches it.
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge.sip", "--control", str(self._control)),
            stdin=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
        )
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline and process.returncode is None:
            connection = await self._connect()
            if connection is not None:
                return connection
            await asyncio.sleep(0.02)
        if process.returncode is None:
            process.kill()
        await process.wait()
        return None

    # --- what it has to know --------------------------------------------------------------------

    def _setup(self) -> o.Setup | None:
        """What the topology in use says; None where no point is a codec."""
        topology, url = self._around.control.topology.current, self._around.url
        gateway = topology.bridge.sip
        codecs = [point for point in topology.points if point.sip is not None]
        if gateway is None or not codecs or not url:
            return None
        authority = self._around.certificate.authority_file
        registrar = gateway.registrar
        return o.Setup(
            version=o.VERSION,
            url=url,
            authority=str(authority.resolve()) if authority.exists() else "",
            listen=gateway.listen,
            port=gateway.port,
            public=gateway.public or "",
            first_port=gateway.first_port,
            last_port=gateway.last_port,
            points=tuple(self._codec(point) for point in codecs),
            registrar=None
            if registrar is None
            else o.Registrar(
                uri=registrar.uri,
                host=registrar.address,
                port=registrar.port,
                user=registrar.user or "",
                password=self._passwords.of(registrar),
            ),
        )

    def _codec(self, point: Point) -> o.CodecPoint:
        codec = point.sip
        assert codec is not None
        return o.CodecPoint(
            id=point.id,
            key=self._around.keys[PointId(point.id)],
            name=point.name.vi,
            uri=codec.uri,
            encryption=codec.encryption,
            user=codec.user or "",
            password=self._passwords.of(codec),
            answer=codec.answer,
            digest=codec.digest,
            height=codec.height,
            frame_rate=codec.frame_rate,
            bitrate=codec.bitrate,
            modes=MODES[codec.packetization],
        )


def end_gateway(state: Path) -> None:
    """Tell a gateway that goes on without its control process to hang up everywhere and end;
    returns at once. Where there is none nothing happens."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.setblocking(False)
        line.connect(str(state / SOCKET))
        line.send(o.encoder.encode(o.Shutdown()) + b"\n")


def pid_of(writer: asyncio.StreamWriter) -> int:
    """The process at the other end of a Unix socket, as the kernel knows it; 0 where it does not
    say."""
    found = writer.get_extra_info("socket")
    size = struct.calcsize("3i")
    try:
        data = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    except (AttributeError, OSError):
        return 0
    return int(struct.unpack("3i", data)[0])
