"""The process at the other end of a Unix socket: who it is, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid


class PeerProcess:
    """The process that listens, or that connected, at the other end of ``writer``'s socket
    (SO_PEERCRED, unix(7)). ``pid`` is 0 where the system does not say. It is held by a file
    descriptor: a number that is given to another process later is not confused with it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.pid = peer_pid(writer)
        self._descriptor = -1
        if self.pid > 0:
            with contextlib.suppress(OSError):  # gone already
                self._descriptor = os.pidfd_open(self.pid)

    def kill(self) -> bool:
        """End it at once (SIGKILL); False where that is not possible."""
        if self._descriptor < 0 or self.pid == os.getpid():
            return False
        try:
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        except ProcessLookupError:
            return True
        except OSError:  # another user's
            return False
        return True

    async def ended(self, timeout: float) -> bool:
        """Wait for its end, ``timeout`` seconds at most; False where it goes on. A process that was
        killed closes its sockets one after the other, and has closed all of them then."""
        if self._descriptor < 0:
            return self.pid > 0
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, over.set)
        try:
            async with asyncio.timeout(timeout):
                await over.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._descriptor)
        return True

    def close(self) -> None:
        """Let go of it; it is neither ended nor waited for."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def peer_pid(writer: asyncio.StreamWriter) -> int:
    """The process id at the other end of a Unix socket; 0 where the system does not say."""
    try:
        return _pid_of(writer.get_extra_info("socket"))
    except (AttributeError, OSError):  # no socket, or not Linux
        return 0


def listener_pid(path: Path) -> int:
    """The process that listens at a Unix socket; 0 where nobody does."""
    with socket.socket(socket.AF_UNIX) as end, contextlib.suppress(OSError):
        end.connect(str(path))
        return _pid_of(end)
    return 0


def _pid_of(end: socket.socket) -> int:
    found = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(found)[0])
