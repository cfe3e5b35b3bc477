"""Where a SIP URI leads: host and port, looked up where the host is a name."""

from __future__ import annotations

import asyncio
import ipaddress

SIP_PORT = 5060


async def address_of(uri: str) -> tuple[str, int]:
    """The address of a SIP URI's host. Raises OSError where it has none."""
    place = uri.partition(":")[2].partition(";")[0].rpartition("@")[2]
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    number = int(port) if port.isdigit() else SIP_PORT
    try:
        return str(ipaddress.ip_address(host)), number
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, number, type=2)
        return str(found[0][4][0]), number
