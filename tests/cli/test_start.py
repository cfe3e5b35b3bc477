"""What every command costs before it begins."""

from __future__ import annotations

import subprocess
import sys

from tests.paths import ROOT

HEAVY = ("bridge.app.process", "bridge.demo.run", "aiortc", "av", "numba")


def test_a_command_reads_neither_the_control_process_nor_media() -> None:
    code = "import sys, bridge.cli.main; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert set(HEAVY).isdisjoint(out.stdout.split())
