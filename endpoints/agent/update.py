"""Updates of this agent: fetches the bundle that the bridge names, checks it, has it unpacked, and
leaves the rest to the launcher (installation/launcher.py), which tries it and goes back where it
does not reach the bridge.

The bridge says over the authenticated connection which SHA-256 the bundle has; nothing of a bundle
with another one is run.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bridge.base.version import VERSION

# What agent and launcher, which may be of different releases, have agreed upon.
EXIT_STAGED = 10
HOME, CONFIRM = "DIEM_CAU_AGENT_HOME", "DIEM_CAU_CONFIRM"
RELEASES, STAGED, FAILED = "releases", "staged", "failed.json"

BLOCK = 1 << 18  # octets
SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)  # seconds
ROOM = 6  # times the bundle's size: itself, what is in it unpacked, and some to spare
MAX_SIZE = 1 << 30  # octets of a bundle
UNPACK_TIMEOUT = 600.0  # seconds, on a slow disk


class NotUpdated(Exception):
    """The update was not taken; the text is a sentence for the admin."""


class Staged(Exception):
    """A release is staged: the agent has to end so that the launcher can try it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The release to be, and the bundle that it is in: SHA-256 in hexadecimal, octets."""

    release: str
    sha256: str
    size: int


def refusal(wanted: Wanted, own: str | None, free: int, *, in_conference: bool) -> str:
    """Why an update cannot be taken now, as a sentence; "" where it can. ``own`` is this agent's
    release, None where no launcher runs it; ``free`` are octets on the disk. Pure."""
    if own is None:
        return "This agent was not installed from a bundle. Install it with the printed line."
    if own == wanted.release:
        return "This agent is that release already."
    if in_conference:
        return "The point is in a conference."
    name = wanted.release
    if not all(c.isascii() and (c.isalnum() or c in "._+-") for c in name) or name[:1] in ".-":
        return "The name of the release is not usable."
    if not 0 < wanted.size <= MAX_SIZE:
        return "The size of the bundle is not usable."
    if free < ROOM * wanted.size:
        return f"The disk has {free / 1e6:.0f} MB free; {ROOM * wanted.size / 1e6:.0f} are needed."
    return ""


class Updater:
    """The part of an agent that updates it. ``where`` is the bridge's address now, ``environment``
    where the launcher tells its folder, ``program`` the folder of this program."""

    def __init__(
        self,
        where: Callable[[], str],
        tls: ssl.SSLContext | None,
        *,
        environment: Mapping[str, str] = os.environ,
        program: Path = Path(__file__).parent.parent.parent,
    ) -> None:
        self._where = where
        self._tls = tls
        home = environment.get(HOME, "")
        self._home = Path(home) if home else None
        self._program = program
        self._one = asyncio.Lock()
        confirm = environment.get(CONFIRM, "")
        self._confirm = int(confirm) if self._home and confirm.isdecimal() else None

    @property
    def version(self) -> str:
        """What this agent calls itself: its release, or the version where it is none."""
        return self._program.name if self._home is not None else VERSION

    def confirm(self) -> None:
        """Tell the launcher that the bridge was reached; once."""
        descriptor, self._confirm = self._confirm, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.write(descriptor, b"ok\n")
                os.close(descriptor)

    def failed(self) -> str:
        """The release that was tried last and failed, and why; "" where none."""
        if self._home is None:
            return ""
        try:
            found = json.loads((self._home / FAILED).read_text("utf-8"))
            return f"{found['release']}: {found['reason']}"[:200]
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    async def stage(self, wanted: Wanted, *, in_conference: bool) -> None:
        """Fetch, check and unpack a release, for the launcher to try. Raises `NotUpdated`."""
        async with self._one:
            own = self._program.name if self._home is not None else None
            free = shutil.disk_usage(self._home).free if self._home is not None else 0
            reason = refusal(wanted, own, free, in_conference=in_conference)
            if reason or self._home is None:
                raise NotUpdated(reason)
            part = self._home / "bundle.part"
            try:
                await self._fetch(wanted, part)
                await unpack(part, self._home, wanted.release)
                (self._home / FAILED).unlink(missing_ok=True)
                (self._home / STAGED).write_text(wanted.release + "\n", "utf-8")
            except OSError as error:
                raise NotUpdated(f"The update cannot be kept: {error.strerror}.") from None
            finally:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)

    async def _fetch(self, wanted: Wanted, part: Path) -> None:
        """Write the bundle to a file. Raises `NotUpdated` for anything but the one wanted."""
        found, size = hashlib.sha256(), 0
        tls: Any = self._tls if self._tls is not None else True
        try:
            async with (
                aiohttp.ClientSession(timeout=SILENCE) as http,
                http.get(f"{self._where()}/api/v1/bundle", ssl=tls) as answer,
            ):
                if answer.status != 200:
                    raise NotUpdated(f"The bridge answers {answer.status}.")
                with part.open("wb") as file:
                    async for block in answer.content.iter_chunked(BLOCK):
                        size += len(block)
                        if size > wanted.size:
                            break
                        found.update(block)
                        await asyncio.to_thread(file.write, block)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotUpdated(f"The bundle did not come: {error or 'no data'}.") from None
        if size != wanted.size or found.hexdigest() != wanted.sha256:
            raise NotUpdated("What came is not the bundle that the bridge named.")


async def unpack(bundle: Path, home: Path, release: str) -> None:
    """Have a bundle unpack itself, with little claim to the processor: a kiosk runs beside it.
    Raises `NotUpdated`."""
    command = ["nice", "-n", "10", sys.executable, "-I", str(bundle), "unpack", str(home)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(UNPACK_TIMEOUT):
            out, err = await process.communicate()
    except TimeoutError:
        raise NotUpdated("Unpacking took too long.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotUpdated(err.decode(errors="replace").strip()[-180:] or "Unpacking failed.")
    if Path(out.decode().strip()).name != release:
        raise NotUpdated("The bundle holds another release than the bridge named.")
