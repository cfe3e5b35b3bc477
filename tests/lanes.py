"""Two lanes for the live tests: those that use the one browser, in their order, and beside them the
others, each to whichever process is free."""

from __future__ import annotations

import ast
import functools
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.paths import ROOT

BROWSER = "pytest.mark.browser"


@functools.cache
def with_browser(file: str) -> frozenset[str]:
    """The tests of a file that are marked with ``browser``, by themselves or as all of it."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    tests = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    everything = any(
        BROWSER in ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    )
    return frozenset(
        node.name
        for node in tests
        if everything or any(BROWSER in ast.unparse(each) for each in node.decorator_list)
    )


def lane(nodeid: str) -> str:
    """What a test has to itself: the browser, with all others that use it, or nothing."""
    file, _, rest = nodeid.partition("::")
    return "browsers" if rest.partition("[")[0] in with_browser(file) else nodeid


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A test that has its lane to itself goes to whoever is free first."""

    def _split_scope(self, nodeid: str) -> str:
        return lane(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    """For ``--dist loadgroup``; its own groups are not read by this version of pytest."""
    return Lanes(config, log) if config.getvalue("dist") == "loadgroup" else None
