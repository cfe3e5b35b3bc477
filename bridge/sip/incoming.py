"""Who may call in: a codec from the address that the topology has for it, or one that proves its
password. Pure but for the clocks it is given."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiosipua import SipRequest, parse_uri

from bridge.sip.gateway_orders import CodecPoint, same_codec
from bridge.sip.refusals import Figures
from bridge.sip.wire.aiosipua_seams import Refusal
from bridge.sip.wire.budgets import Budgets
from bridge.sip.wire.digest import Digest

REALM = "diem-cau"


class Caller(NamedTuple):
    """The point that somebody calls as."""

    point: str


class Callers:
    """Decides about INVITEs of calls that come in. ``wall`` is UTC seconds, ``clock`` monotonic."""

    def __init__(
        self,
        points: Iterable[CodecPoint],
        figures: Figures,
        wall: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._points: dict[str, CodecPoint] = {}
        self._named: dict[str, set[str]] = {}
        self._addresses: dict[str, set[str]] = {}
        self.know(points)
        self._figures = figures
        self._wall = wall
        self._clock = clock
        self._budgets = Budgets()
        self._digest = Digest(REALM, secrets.token_bytes(32))

    def know(self, points: Iterable[CodecPoint]) -> None:
        """The points there are from now on. Those that differ from before have to be located."""
        before, self._points = self._points, {point.id: point for point in points}
        other = {p.id for p in before.values() if not same_codec(p, self._points.get(p.id))}
        for located in self._addresses.values():
            located -= other
        self._named = {point: {point} for point in self._points}
        for point in self._points.values():
            if user := parse_uri(point.uri).user:
                self._named.setdefault(user, set()).add(point.id)

    def locate(self, places: Iterable[tuple[str, str]]) -> None:
        """The addresses of points, as far as they are known."""
        for point, address in places:
            if address:
                self._addresses.setdefault(address, set()).add(point)

    def admit(self, request: SipRequest, source: tuple[str, int]) -> Caller | Refusal:
        """The point that calls, or why nobody is let in."""
        point = self._asked(request, source)
        if point is None or point.answer == "nobody":
            self._figures.refuse("stranger")
            return Refusal(403, "Forbidden")
        if point.answer == "address":
            if point.id not in self._addresses.get(source[0], ()):
                self._figures.refuse("stranger")
                return Refusal(403, "Forbidden")
            return Caller(point.id)
        return self._proved(request, source[0], point)

    def _asked(self, request: SipRequest, source: tuple[str, int]) -> CodecPoint | None:
        """The only point whose id or user stands in From, of several the only one that has the
        address; where none has that name, the only one that has the address."""
        sender = request.from_addr
        user = sender.uri.user if sender is not None and sender.uri is not None else None
        named = self._named.get(user or "", set())
        here = self._addresses.get(source[0], set())
        found = named if len(named) == 1 else named & here if named else here
        return self._points[next(iter(found))] if len(found) == 1 else None

    def _proved(self, request: SipRequest, source: str, point: CodecPoint) -> Caller | Refusal:
        now = self._clock()
        wait = self._budgets.may_guess(source, now)
        if wait > 0:
            self._figures.refuse("throttled")
            return Refusal(503, "Too Many Wrong Passwords", (("Retry-After", f"{wait:.0f}"),))
        verdict = self._digest.verdict(
            request.get_header("authorization"),
            "INVITE",
            point.user or point.id,
            point.password,
            self._wall(),
        )
        if verdict == "good" and point.password:
            self._budgets.right(source)
            return Caller(point.id)
        if verdict == "wrong":
            self._figures.refuse("digest")
            self._budgets.wrong(source, now)
        challenges = self._digest.challenges(
            self._wall(), stale=verdict == "stale", only=point.digest
        )
        return Refusal(
            401, "Unauthorized", tuple(("WWW-Authenticate", value) for value in challenges)
        )
