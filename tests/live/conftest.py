"""Real processes, sockets and browsers on loopback, each test with its own ports and state."""

from __future__ import annotations

import os

import pytest

from benchmarks.chromium import CHROMIUM
from tests.live import browsers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        skip = pytest.mark.skip(reason="chromium is missing: apt-get install chromium")
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(skip)


def pytest_sessionfinish() -> None:
    browsers.end_all()
