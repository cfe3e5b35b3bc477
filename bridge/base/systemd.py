"""Reports the state of the process to systemd (sd_notify(3)): ready, alive, stopping."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

RETRY = 0.1  # seconds until what systemd could not take in is told again
TRIES = 300


def notify(message: str) -> bool:
    """Send a line to systemd; False where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.setblocking(False)  # a manager that does not read must not hold us up
        try:
            client.connect(address)
            client.sendall(message.encode())
        except OSError:
            return False
    return True


def watchdog_interval() -> float | None:
    """Seconds between signs of life: half of what systemd allows; None: it does not watch."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(
        os.getpid()
    ):
        return None
    return int(microseconds) / 2e6


async def attend(healthy: Callable[[], bool]) -> None:
    """Tell systemd that this process is ready, and then that it lives for as long as it is healthy.

    Where the manager is too busy to take it in, readiness is told again: a service that systemd
    believes to be starting would be killed."""
    for _ in range(TRIES):
        if notify("READY=1") or "NOTIFY_SOCKET" not in os.environ:
            break
        await asyncio.sleep(RETRY)
    interval = watchdog_interval()
    if interval is None:
        return
    while True:
        if healthy():
            notify("WATCHDOG=1")
        await asyncio.sleep(interval)
