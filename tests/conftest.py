"""Fixtures that many tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests import databases
from tests.control_support import Bridge


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with databases.cluster() as url:
        yield url


@pytest.fixture(params=databases.KINDS)
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database, of either kind; "" is SQLite in the state folder."""
    if request.param == "sqlite":
        return ""
    return databases.new_database(request.getfixturevalue("postgres"))


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A control process without a worker, on SQLite."""
    made = Bridge(tmp_path)
    await made.start()
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made
    await made.stop()
    await asyncio.sleep(0)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", action="store_true", help="renew the pictures of the guides in docs/"
    )
