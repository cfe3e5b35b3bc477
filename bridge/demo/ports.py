"""Loopback addresses and free ports of this machine."""

from __future__ import annotations

import ipaddress
import socket


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


def _socket(host: str, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
