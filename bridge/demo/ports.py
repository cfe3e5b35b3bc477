"""Loopback addresses, free ports of this machine, and whether a bridge listens."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from urllib.parse import urlsplit

ANSWER_TIMEOUT = 1.0  # seconds that another bridge may take to accept a connection


def is_loopback(address: str | None) -> bool:
    """Whether an IP address (None: there is none) is of loopback."""
    return address is not None and ipaddress.ip_address(address).is_loopback


def free_port(host: str, kind: socket.SocketKind) -> int:
    """A port of this address that nothing is bound to now (SOCK_STREAM: TCP, SOCK_DGRAM: UDP)."""
    with _socket(host, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_taken(host: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether something is bound to this port, so that it cannot be used now."""
    with _socket(host, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def another_answers(path: Path, own: str) -> bool:
    """Whether another bridge listens at the address in a file. Our own address there was left
    by one that was killed."""
    try:
        text = path.read_text("utf-8").strip()
        if text == own:
            return False
        url = urlsplit(text)
        address = (url.hostname or "", url.port or 0)
        with socket.create_connection(address, timeout=ANSWER_TIMEOUT):
            return True
    except (OSError, ValueError):
        return False


def _socket(host: str, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
