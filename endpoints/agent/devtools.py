"""A client of Chromium's DevTools protocol over two pipes (--remote-debugging-pipe), so that no
port is opened. Only what supervising the kiosk needs."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import Sequence
from typing import Any

READ_FD, WRITE_FD = 3, 4  # where Chromium expects the pipes
ABOVE = 10  # the copies of the pipes get numbers from here on
LIMIT = 8 << 20  # octets of one message
CALL_TIMEOUT = 5.0  # seconds until a browser that does not answer counts as hanging


class BrowserGone(Exception):
    """The browser ended, or does not answer."""


class Browser:
    """A running browser; `launch` makes it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer
        self._next = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._task = asyncio.create_task(self._read())
        self._session = ""

    async def _read(self) -> None:
        try:
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                future = self._waiting.pop(message.get("id", -1), None)
                if future is not None and not future.done():
                    future.set_result(message)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass
        finally:
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()

    async def call(self, method: str, *, page: bool = False, **params: Any) -> dict[str, Any]:
        """Call a method; return its result. Raises `BrowserGone`."""
        if self._task.done():
            raise BrowserGone(method)
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if page:
            message["sessionId"] = self._session
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future
        try:
            self._writer.write(json.dumps(message).encode() + b"\0")
            async with asyncio.timeout(CALL_TIMEOUT):
                answer = await future
        except TimeoutError:
            raise BrowserGone(f"{method}: no answer") from None
        except asyncio.CancelledError:
            if future.cancelled() and self._task.done():
                raise BrowserGone(method) from None
            raise
        except OSError as error:
            raise BrowserGone(str(error)) from None
        if "error" in answer:
            raise BrowserGone(f"{method}: {answer['error'].get('message', '')}")
        result: dict[str, Any] = answer.get("result", {})
        return result

    async def attach(self) -> None:
        """Get hold of the first page. Raises `BrowserGone`."""
        targets = await self.call("Target.getTargets")
        pages = [t for t in targets["targetInfos"] if t["type"] == "page"]
        if not pages:
            raise BrowserGone("no page")
        found = await self.call(
            "Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True
        )
        self._session = found["sessionId"]

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page. Raises `BrowserGone`."""
        found = await self.call(
            "Runtime.evaluate", page=True, expression=expression, returnByValue=True
        )
        return found.get("result", {}).get("value")

    async def close(self) -> None:
        """End the browser, by force where it does not go."""
        with contextlib.suppress(BrowserGone):
            await self.call("Browser.close")
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()


async def launch(command: Sequence[str], environment: dict[str, str]) -> Browser:
    """Start a browser (the command must have --remote-debugging-pipe). Raises OSError."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    # Copies above the two numbers, so that moving one does not close the other.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ABOVE) for fd in (to_browser, from_browser)]

    def move() -> None:
        os.dup2(high[0], READ_FD)
        os.dup2(high[1], WRITE_FD)

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            preexec_fn=move,
            pass_fds=(READ_FD, WRITE_FD, *high),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        os.close(from_us)
        os.close(to_us)
        raise
    finally:
        for descriptor in (to_browser, from_browser, *high):
            os.close(descriptor)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(to_us, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(from_us, "wb", 0)
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    return Browser(process, reader, writer)
