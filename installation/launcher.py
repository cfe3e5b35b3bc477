"""Runs the current release of the agent, tries a new one, and goes back where it does not answer.

``python3 -I launcher.py HOME [--answer-within SECONDS] [-- options of the agent]``. The agent
stages a release, names it in ``HOME/staged`` and ends with `EXIT_STAGED`. The new one runs on
trial: it has to reach the bridge, which it tells by a line on the pipe whose descriptor is in
`CONFIRM`, within `ANSWER_WITHIN` seconds. Only then it becomes the current one, so that whatever
happens before, a power cut among it, leaves the old one. This file is not part of what is updated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EXIT_STAGED = 10  # the agent's exit code: a release is staged, try it
EXIT_NO_RELEASE = 2
ANSWER_WITHIN = 90.0  # seconds that a release on trial has to reach the bridge
END_WITHIN = 15.0  # seconds from SIGTERM to SIGKILL
ALIVE_EVERY = 5.0  # seconds between signs of life for systemd while a release is tried
HOME, CONFIRM = "DIEM_CAU_AGENT_HOME", "DIEM_CAU_CONFIRM"  # environment of the agent
RELEASES, CURRENT, STAGED, FAILED = "releases", "current", "staged", "failed.json"
COMPLETE = ".complete"


# --- pure ----------------------------------------------------------------------------------

Ending = Literal["confirmed", "ended", "late", "stopped"]


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the release, and whether it is on trial."""

    release: str
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Start a release. ``failed`` is why the one before it is not run any more ("" for none)."""

    running: Running
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Adopt:
    """The release on trial becomes the current one and goes on."""


@dataclass(frozen=True, slots=True)
class Leave:
    """End, with an exit code."""

    code: int


def decide(
    running: Running, how: Ending, code: int, current: str, staged: str, within: float
) -> Start | Adopt | Leave:
    """What to do when something happened to what runs.

    ``confirmed``: it reached the bridge; ``ended``: its process ended, with ``code``; ``late``: it
    did not reach the bridge in time; ``stopped``: we were told to end, and it has ended.
    ``current`` and ``staged`` are releases ("" for none), ``within`` the seconds it had.
    """
    if how == "stopped":
        return Leave(max(code, 0))
    if running.trial:
        if how == "confirmed":
            return Adopt()
        if how == "late":
            why = f"it did not reach the bridge within {within:.0f} s"
        else:
            why = f"it ended with code {code} before it reached the bridge"
        return Start(Running(current), why) if current else Leave(EXIT_NO_RELEASE)
    if how == "ended" and code == EXIT_STAGED and staged and staged != running.release:
        return Start(Running(staged, trial=True))
    return Leave(max(code, 1))  # systemd starts us again where that is of use


# --- the shell -----------------------------------------------------------------------------


class Launcher:
    """One agent, whichever release it is."""

    def __init__(self, home: Path, options: Sequence[str], within: float) -> None:
        self._home = home
        self._options = options
        self._within = within
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Run the agent until it ends for good; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        current = self._name(CURRENT)
        if not current:
            say(f"There is no release in {self._home}. Install the agent anew.")
            return EXIT_NO_RELEASE
        running = Running(current)
        while True:
            child = await Child.start(self._home, running, self._options)
            how = await self._watch(child, running)
            while True:
                code = child.process.returncode
                step = decide(
                    running,
                    how,
                    0 if code is None else code,
                    self._name(CURRENT),
                    self._name(STAGED),
                    self._within,
                )
                if not isinstance(step, Adopt):
                    break
                self._adopt(running.release)
                running = Running(running.release)
                how = await self._watch(child, running)
            await child.end()
            if isinstance(step, Leave):
                return step.code
            if step.failed:
                self._note(running.release, step.failed)
            running = step.running
            if running.trial:
                say(f"trying {running.release}")

    async def _watch(self, child: Child, running: Running) -> Ending:
        """Wait until something happens that is to be decided upon."""
        ended = asyncio.create_task(child.process.wait())
        told = asyncio.create_task(self._stop.wait())
        waiting = {ended, told}
        if running.trial:
            confirmed = asyncio.create_task(child.confirmed.wait())
            waiting.add(confirmed)
        deadline = time.monotonic() + self._within if running.trial else None
        try:
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0 and not child.has_confirmed():
                    await child.end()
                    return "late"
                done, _ = await asyncio.wait(
                    waiting,
                    timeout=None if left is None else max(0.0, min(left, ALIVE_EVERY)),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if deadline is not None:
                    notify("WATCHDOG=1")
                if told in done:
                    await child.end()
                    return "stopped"
                # Both may be there at once; what it said, it said before it ended.
                if running.trial and child.has_confirmed():
                    return "confirmed"
                if ended in done:
                    return "ended"
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _name(self, what: str) -> str:
        """The release that a link or a file names, "" for none that is whole."""
        path = self._home / what
        try:
            name = os.readlink(path) if what == CURRENT else path.read_text("utf-8").strip()
        except OSError:
            return ""
        name = Path(name).name
        return name if name and (self._home / RELEASES / name / COMPLETE).exists() else ""

    def _adopt(self, release: str) -> None:
        """Make a release the current one; keep the one before it, remove others."""
        say(f"{release} reached the bridge and is the current release now")
        before = self._name(CURRENT)
        link = self._home / f".{CURRENT}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(RELEASES) / release)
        link.replace(self._home / CURRENT)
        for name in (STAGED, FAILED):
            (self._home / name).unlink(missing_ok=True)
        for folder in (self._home / RELEASES).iterdir():
            if folder.name not in (release, before):
                shutil.rmtree(folder, ignore_errors=True)

    def _note(self, release: str, why: str) -> None:
        """Leave word of a release that failed, for the agent to report."""
        say(f"back to the release before: {release} failed, {why}")
        (self._home / STAGED).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a full disk is no reason not to go back
            (self._home / FAILED).write_text(json.dumps({"release": release, "reason": why}))


@dataclass(slots=True)
class Child:
    """The agent's process, and the pipe on which it tells that it reached the bridge."""

    process: asyncio.subprocess.Process
    confirmed: asyncio.Event
    pipe: int | None  # None: closed

    @classmethod
    async def start(cls, home: Path, running: Running, options: Sequence[str]) -> Child:
        folder = home / RELEASES / running.release
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        environment = {**os.environ, HOME: str(home), CONFIRM: str(writing)}
        # systemd names our process as the one it watches; the agent is the one that knows.
        environment.pop("WATCHDOG_PID", None)
        command = [str(folder / ".venv/bin/python"), "-m", "endpoints.agent", "run"]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *("--state", str(home)),
                *options,
                cwd=folder,
                env=environment,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        child = cls(process, asyncio.Event(), reading)
        asyncio.get_running_loop().add_reader(reading, child.has_confirmed)
        return child

    def has_confirmed(self) -> bool:
        """Whether it said that it reached the bridge, read up to this moment."""
        if self.pipe is not None:
            try:
                said = os.read(self.pipe, 100)
            except BlockingIOError:
                return self.confirmed.is_set()
            if said:
                self.confirmed.set()
            else:  # closed: the process ended, or has nothing to say any more
                asyncio.get_running_loop().remove_reader(self.pipe)
                os.close(self.pipe)
                self.pipe = None
        return self.confirmed.is_set()

    async def end(self) -> None:
        """End the process, in the end by force."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(END_WITHIN):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


def say(text: str) -> None:
    """A line for the journal."""
    print(f"launcher: {text}", file=sys.stderr, flush=True)


def notify(message: str) -> None:
    """Tell systemd something (sd_notify(3)), where it listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client,
    ):
        client.connect("\0" + address[1:] if address.startswith("@") else address)
        client.sendall(message.encode())


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Runs the agent and tries its updates; after -- its options."
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--answer-within", type=float, default=ANSWER_WITHIN)
    arguments = sys.argv[1:]
    # argparse would take options of the agent for its own.
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    given = parser.parse_args(arguments[:cut])
    options = arguments[cut + 1 :]
    return asyncio.run(Launcher(given.home, options, given.answer_within).run())


if __name__ == "__main__":
    sys.exit(main())
