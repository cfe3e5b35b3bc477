"""One short run of the whole demo: real processes, decoded pictures and sounds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.mark.first
def test_three_points_see_and_hear_each_other(tmp_path: Path) -> None:
    """The rest of the demo is tested in tests/live. It ends as soon as everything is verified; the
    other tests run beside it."""
    report = tmp_path / "report.json"
    ended = subprocess.run(
        [
            *(sys.executable, "bridge.py", "demo", "--no-browser", "--points", "3"),
            *("--seconds", "1", "--report", str(report)),
        ],
        cwd=ROOT,
        timeout=200,
        check=False,
    )
    document = json.loads(report.read_text("utf-8"))
    assert ended.returncode == 0, document
    assert document["ok"] is True
    assert document["connected"] == 3
    assert document["pictures"] == {"expected": 6, "verified": 6}, document
    assert document["sounds"] == {"expected": 6, "verified": 6}, document
    assert document["forwarding"]["packets"] > 500
