"""Where rooms reach the pages of a bridge. Pure."""

from __future__ import annotations

import ipaddress

from config.schema import Topology


def room_address(topology: Topology) -> str:
    """The address under which room PCs reach the pages: that of the pages, or, where these listen
    everywhere, that of the media. Pure."""
    web, media = topology.bridge.web, topology.bridge.media
    host = web.listen
    if ipaddress.ip_address(host).is_unspecified:
        host = [*media.public, *media.listen][0]
    tls = web.tls is not None or not ipaddress.ip_address(host).is_loopback
    name = f"[{host}]" if ":" in host else host
    usual = 443 if tls else 80
    port = "" if web.port == usual else f":{web.port}"
    return f"{'https' if tls else 'http'}://{name}{port}"
