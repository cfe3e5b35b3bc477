"""Real processes, sockets and browsers on loopback, each test with its own ports and state."""

from __future__ import annotations

import os

import pytest

from benchmarks.chromium import CHROMIUM
from tests.live import browsers


@pytest.hookimpl(tryfirst=True)  # xdist's own hook reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.keywords:  # one browser for all, and one test at a time has four pages
            item.add_marker(pytest.mark.xdist_group("browsers"))
    if CHROMIUM is None and os.environ.get("CI") != "true":
        skip = pytest.mark.skip(reason="chromium is missing: apt-get install chromium")
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(skip)


def pytest_sessionfinish() -> None:
    browsers.end_all()
