"""What `check` says of several hosts and their database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.cli.fellow_hosts import _ask, database_faults, database_line
from bridge.store.leading.guarantees import Facts
from bridge.store.leading.leadership import Leader
from bridge.store.leading.survey import Survey
from config.hosts_schema import Host

FACTS = Facts(150004, "on", "on", "on", "b", False, "off", 7, "00000002")
GOOD = Survey(FACTS, "192.0.2.5", True, Leader(3, "a", "https://a", {}), 1, 0.1)


def test_a_good_database_is_one_line() -> None:
    assert database_faults(GOOD) == []
    assert database_line(GOOD) == (
        "Database: PostgreSQL 15.4 on 192.0.2.5, timeline 2; commits wait for b, 1 connected; "
        "host a led last"
    )
    other = GOOD._replace(facts=FACTS._replace(copies=""), leader=None)
    assert "commits wait for no copy, 1 connected; no host has led yet" in database_line(other)


@pytest.mark.parametrize(
    ("change", "grave", "word"),
    [
        ({"facts": FACTS._replace(fsync="off")}, True, "fsync"),
        ({"facts": FACTS._replace(copies="")}, False, "synchronous_standby_names"),
        ({"connected": 0}, False, "nothing can be saved"),
        ({"ahead": 3.0}, False, "3 s before"),
        ({"ahead": -70.0}, False, "70 s behind"),
    ],
)
def test_what_is_wrong_with_a_database(change: dict[str, Any], grave: bool, word: str) -> None:
    (fault,) = database_faults(GOOD._replace(**change))
    assert word in fault.said
    assert fault.grave == grave


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {}, "leads"),
        (503, {"type": "/problems/http.not_leader"}, "waits"),
        (503, {"type": "/problems/http.no_database"}, "waits"),
        (503, {"type": "/problems/http.busy"}, "answers 503"),
        (503, ["x"], "does not answer"),
        (404, {}, "answers 404"),
    ],
)
async def test_what_a_host_says(tmp_path: Path, status: int, body: Any, said: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/healthz", answer)
    async with TestServer(app) as server:
        host = Host(id="a", url=str(server.make_url("/")))
        assert await _ask(host, tmp_path) == said
    assert await _ask(host, tmp_path) == "does not answer"
