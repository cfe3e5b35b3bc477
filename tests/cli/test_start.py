"""What every command costs before it begins."""

from __future__ import annotations

import functools
import subprocess
import sys

from tests.paths import ROOT

HEAVY = (
    "bridge.app.process",
    "bridge.control.conductor",
    "bridge.control.control",
    "bridge.demo.run",
    "aiortc",
    "asyncpg",
    "av",
    "numba",
    "sqlalchemy.dialects.postgresql",
)


@functools.cache
def read_by(module: str) -> frozenset[str]:
    """The modules that are there once ``module`` is."""
    out = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return frozenset(out.stdout.split())


def test_a_command_reads_neither_the_control_process_nor_media() -> None:
    assert set(HEAVY).isdisjoint(read_by("bridge.cli.main"))


def test_the_control_process_reads_no_code_of_the_worker() -> None:
    """It is a part of every start, and of every restart."""
    assert {"bridge.media.transport", "pylibsrtp", "OpenSSL"}.isdisjoint(
        read_by("bridge.app.process")
    )


def test_the_control_process_reads_no_code_that_draws_papers() -> None:
    """What parses strangers' files stays in the processes that have bounds."""
    assert {"PIL", "pypdfium2"}.isdisjoint(read_by("bridge.app.process"))


def test_a_worker_of_this_machine_reads_nothing_of_a_relays() -> None:
    """It is started while a conference waits."""
    assert {"bridge.media.shell.relay_control", "bridge.base.mutual_key", "ssl"}.isdisjoint(
        read_by("bridge.media.shell.__main__") - read_by("asyncio")
    )


def test_a_process_with_limits_reads_nothing_to_serve_with() -> None:
    """Somebody who sent a paper or a topology waits for its start."""
    works = "bridge.base.limited_work, bridge.papers.page_work, bridge.server.api.topology_work"
    assert {"asyncio", "bridge.app.process", "sqlalchemy"}.isdisjoint(read_by(works))
