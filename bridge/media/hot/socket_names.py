"""Addresses as the kernel has them, and as keys of the compiled turn's table."""

from __future__ import annotations

import ipaddress

import numpy as np

from bridge.media.hot.world import AF_INET, AF_INET6
from bridge.media.transport import Address


def socket_name(address: Address) -> bytes:
    """A socket address as the kernel takes it: sockaddr_in or sockaddr_in6 of Linux."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    port = address[1].to_bytes(2, "big")
    if host.version == 4:
        return np.uint16(AF_INET).tobytes() + port + host.packed + bytes(8)
    flow, scope = (*address[2:], 0, 0)[:2]
    return (
        np.uint16(AF_INET6).tobytes()
        + port
        + flow.to_bytes(4, "big")
        + host.packed
        + np.uint32(scope).tobytes()
    )


def address_key(address: Address) -> tuple[int, int, int]:
    """What `lookup` computes of a received socket address."""
    name = socket_name(address)
    port = address[1]
    if len(name) == 16:
        return 0, int.from_bytes(name[4:8], "big"), port | AF_INET << 48
    high, low = (int.from_bytes(name[at : at + 8], "big", signed=True) for at in (8, 16))
    return high, low, port | int.from_bytes(name[24:28], "big") << 16 | AF_INET6 << 48
