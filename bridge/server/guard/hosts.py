"""Under which names the bridge is reached, and which pages may talk to it. Pure.

A page of a stranger can make its own name point at our address (DNS rebinding); the browser then
takes it for our own page, and names it in Host and Origin alike. So a Host counts only when it is
one of ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from aiohttp.web import Request

PORTS = {"http": 80, "https": 443}
PREFLIGHT_LIFE = "600"  # seconds that a browser need not ask again


def name_of(host: str) -> str:
    """The name or address in a Host header, in one form; "" for what is none."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def origin_of(text: str) -> tuple[str, str, int] | None:
    """Scheme, name and port of an origin (RFC 6454); None for what is none."""
    try:
        found = urlsplit(text)
        port = found.port or PORTS.get(found.scheme, 0)
    except ValueError:
        return None
    if found.scheme not in PORTS or not found.hostname or found.path not in ("", "/"):
        return None
    return found.scheme, name_of(found.netloc.rpartition("@")[2]), port


def local_address(request: Request) -> str:
    """Our own address of a request's connection; "" where it is gone."""
    return local_address_and_port(request)[0]


def local_address_and_port(request: Request) -> tuple[str, int]:
    """The same with our own port, 0 where the connection is gone."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and name else ("", 0)


class Fellows:
    """The pages of every host of one bridge (their addresses): a page whose own host is lost goes
    on with another one (Fetch, "CORS protocol"). No cookie goes with that: what asks names its
    session."""

    def __init__(self, pages: Iterable[str]) -> None:
        self._pages = tuple(pages)
        self.origins = {found for text in self._pages if (found := origin_of(text)) is not None}

    @property
    def sources(self) -> str:
        """What the pages of this host may connect to beside it, for their Content-Security-Policy;
        begins with a space where there is anything."""
        sockets = ("ws" + page.removeprefix("http") for page in self._pages)
        return "".join(f" {page}" for page in (*self._pages, *sockets))

    def sent(self, request: Request) -> bool:
        """Whether the page of a host has sent a request."""
        origin = request.headers.get("Origin")
        return origin is not None and origin_of(origin) in self.origins

    def headers(self, request: Request) -> Mapping[str, str]:
        """What lets such a page read the answer; empty for others."""
        if not self.sent(request):
            return {}
        allowed = {"Access-Control-Allow-Origin": request.headers["Origin"], "Vary": "Origin"}
        if request.method == "OPTIONS":
            return {
                **allowed,
                "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
                "Access-Control-Max-Age": PREFLIGHT_LIFE,
            }
        return {**allowed, "Access-Control-Expose-Headers": "ETag"}

    def asks_first(self, request: Request) -> bool:
        """Whether such a page asks what it may send."""
        return request.method == "OPTIONS" and self.sent(request)


class Hosts:
    """The names of this bridge and the origins of its pages. ``names`` are ours; ``origins`` are
    foreign pages that may talk to us, and their names are served, too. ``fellows`` are the pages of
    the other hosts of one bridge, which read our answers as well."""

    def __init__(
        self, names: Iterable[str], origins: Iterable[str] = (), fellows: Iterable[str] = ()
    ) -> None:
        self.fellows = Fellows(fellows)
        self._origins = {found for text in origins if (found := origin_of(text)) is not None}
        self._origins |= self.fellows.origins
        self._names = {"localhost", "127.0.0.1", "::1"}
        self._names |= {name_of(f"[{name}]" if ":" in name else name) for name in names}
        self._names |= {name for _, name, _ in self._origins}
        self._names.discard("")

    def serves(self, host: str, local: str = "") -> bool:
        """Whether a Host header is ours; ``local`` is our own address of the connection."""
        name = name_of(host)
        return name in self._names or (bool(local) and name == local.partition("%")[0])

    def may_come(self, origin: str | None, scheme: str, host: str) -> bool:
        """Whether a page of an origin may talk to us, who were reached by ``scheme`` at ``host``.
        Programs that are no browsers send no origin: they cannot be tricked by a page."""
        if origin is None:
            return True
        found = origin_of(origin)
        return found is not None and (
            found == origin_of(f"{scheme}://{host}") or found in self._origins
        )
