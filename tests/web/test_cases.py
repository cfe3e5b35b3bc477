"""The pages' pure modules under `node --test`; the cases are in tests/web/cases."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.web.tools import FOLDER, node

CASES = FOLDER / "cases"


def run(*files: Path) -> tuple[int, list[str]]:
    """How many cases ran, and those that failed: file, name and why."""
    result = subprocess.run(
        [node(), "--test", f"--test-reporter={FOLDER / 'reporter.js'}", *map(str, files)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    cases = [json.loads(line) for line in result.stdout.splitlines()]
    failed = [f"{Path(c['file']).name}: {c['name']}\n{c['wrong']}" for c in cases if c["wrong"]]
    assert failed or result.returncode == 0, result.stderr
    return len(cases), failed


def test_the_cases_pass() -> None:
    count, failed = run(*sorted(CASES.glob("*.test.js")))
    assert not failed, "\n\n".join(failed)
    assert count > 70


def test_each_failing_case_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.test.mjs"
    bad.write_text(
        "import { test } from 'node:test';\n"
        "test('good', () => {});\n"
        "test('first bad', () => { throw new Error('why'); });\n"
        "test('second bad', () => { throw new Error('wherefore'); });\n",
        "utf-8",
    )
    count, failed = run(bad)
    assert count == 3
    assert [line.partition("\n")[0] for line in failed] == [
        "bad.test.mjs: first bad",
        "bad.test.mjs: second bad",
    ]
    assert "why" in failed[0]
    assert "wherefore" in failed[1]


def test_a_file_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "broken.test.mjs"
    bad.write_text("import { nothing } from './missing.js';\n", "utf-8")
    _, failed = run(bad)
    assert failed
