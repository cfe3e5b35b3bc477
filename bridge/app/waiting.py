"""What a host that waits for its turn answers: who leads, and the pages that find that out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bridge.server.guard.front_door import answering
from bridge.server.guard.hosts import Fellows
from bridge.server.guard.page_headers import page_headers
from bridge.server.http import WEB
from bridge.server.problems import problem
from bridge.store.leading.leadership import Leader

CLOSE_NOT_LEADER = 4421
# Pages that have a device's key and follow whoever leads by themselves; people are sent there.
FOLLOWING = ("/room", "/desk")


class Waiting:
    """Answers everybody that this host does not lead, and who does. ``pages`` are the addresses of
    the pages of every host."""

    def __init__(
        self,
        leader: Callable[[], Leader | None],
        own: str,
        pages: Sequence[str] = (),
        problem: Callable[[], str] = lambda: "",
    ) -> None:
        """``problem`` is why the database cannot be asked who leads; "" where it can."""
        self._problem = problem
        self._leader = leader
        self._own = own
        self._fellows = Fellows(pages)
        self.app = web.Application(middlewares=[self._guard])
        for path in FOLLOWING:
            self.app.router.add_get(path, self._page)
        self.app.router.add_static("/web", WEB, append_version=False)
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(WEB / request.path.removeprefix("/") / "index.html")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        leader = self._leader()
        url = leader.url if leader is not None and leader.host != self._own else ""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close(code=CLOSE_NOT_LEADER, message=url.encode())
            return socket
        if self._fellows.asks_first(request):
            return web.Response(status=204)
        if url and request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=307, headers={"Location": f"{url}{request.rel_url}"})
        why = "" if url else self._problem()
        key = "http.not_leader" if url else "http.no_database" if why else "http.no_leader"
        response = problem(503, key, detail=url or why, leader=url)
        response.headers["Retry-After"] = "1"
        return response

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        with answering(request.transport):
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = problem(error.status, "http.not_found", path=request.path)
            if not response.prepared:
                for name, value in page_headers(self._fellows).items():
                    response.headers.setdefault(name, value)
                response.headers.update(self._fellows.headers(request))
            return response
