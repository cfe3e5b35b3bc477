"""Fixtures that many tests share, and what holds for every test: its tier, its time limit, and what
is made cheap because it is no subject of theirs."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.accounts import passwords
from bridge.papers import taking_in
from bridge.server.api import signed_files, topology_check
from bridge.store import backups
from bridge.store import database as store
from tests import databases
from tests.control_support import Bridge

pytest_plugins = ["tests.hangs", "tests.lanes"]

# Time is no subject of property tests: an example may be slow because the machine is busy.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

# Seconds after which a test hangs, for those that may take longer than pyproject.toml says.
LIMITS = {"live": 900, "soak": 3600}
LIVE = f"{Path(__file__).parent / 'live'}{os.sep}"
# Objects made until the collector looks for cycles. Thousands of tests keep a large heap, and with
# Python's 700 a tenth of the time of collecting and of running them went into looking through it.
COLLECT_AFTER = 50_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pytest_configure() -> None:
    gc.set_threshold(COLLECT_AFTER)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", action="store_true", help="renew the pictures of the guides in docs/"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stands in tests/live is live; what takes long comes first, beside everything else."""
    for item in items:
        if str(item.path).startswith(LIVE):
            item.add_marker(pytest.mark.live)
        for name, seconds in LIMITS.items():
            if item.get_closest_marker(name) is not None:
                item.add_marker(pytest.mark.timeout(seconds), append=False)
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


def pytest_collection_finish() -> None:
    """Modules and tests are there for good."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed cheaply in this process; yields the hasher that production uses."""
    real = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", CHEAP)
        patch.setattr(passwords, "_DUMMY", CHEAP.hash("nobody's"))
        yield real


@pytest.fixture(scope="session", autouse=True)
def cheap_databases() -> Iterator[None]:
    """Nearly every test has a SQLite of its own: each statement is compiled for the first one only,
    and none waits for the disk, nor does any other file, since no power is cut here. (A process
    that a test starts does as in production.)"""
    compiled: dict[Any, Any] = {}  # by SQLAlchemy's key: the dialect, the statement, its columns

    def create(url: URL, **options: Any) -> AsyncEngine:
        if url.drivername == "sqlite+diemcau":
            options["execution_options"] = {"compiled_cache": compiled}
        return create_async_engine(url, **options)

    relaxed = (*store.PRAGMAS, "synchronous=OFF")
    with pytest.MonkeyPatch.context() as patch:
        # Dialects without settings of their own are one as good as the other.
        patch.setattr(store.Dialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(store.Dialect, "__hash__", lambda one: hash(type(one)))
        patch.setattr(store, "create_async_engine", create)
        patch.setattr(store, "PRAGMAS", relaxed)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with databases.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
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


@pytest.fixture
def worked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process with limits does (`bridge.base.limited`) is done in a thread of this one. For
    tests whose subject is neither the process nor its limits."""
    one = threading.Lock()  # such a process has nothing beside it: PDFium would not bear it

    def work(module: str, request: Any) -> Any:
        with one:
            asked = json.loads(json.dumps(request))
            return json.loads(json.dumps(importlib.import_module(module).answer(asked)))

    async def here(module: str, request: Any, *, seconds: float, memory: int) -> Any:
        return await asyncio.to_thread(work, module, request)

    for user in (topology_check, taking_in, backups, signed_files):
        monkeypatch.setattr(user, "limited", here)


@pytest.fixture
async def watched(bridge: Bridge) -> AsyncIterator[Bridge]:
    """The same, with its prober."""
    bridge.process.health.start()
    yield bridge
    bridge.process.health.prober.close()
