"""The pages' JavaScript is checked by tsc from its JSDoc types."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.web.tools import FOLDER, node, packages


def test_the_types_of_the_pages_hold() -> None:
    result = subprocess.run(
        [node(), str(packages() / "typescript/bin/tsc"), "-p", str(FOLDER / "tsconfig.json")],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_a_wrong_type_would_be_found(tmp_path: Path) -> None:
    """The check can fail: a page that uses a word wrongly does not pass."""
    extends = json.dumps(str(FOLDER / "tsconfig.json"))
    (tmp_path / "bad.js").write_text("/** @type {number} */\nexport const x = 'text';\n", "utf-8")
    config = tmp_path / "tsconfig.json"
    config.write_text(f'{{"extends": {extends}, "include": ["bad.js"]}}', "utf-8")
    result = subprocess.run(
        [node(), str(packages() / "typescript/bin/tsc"), "-p", str(config)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode != 0
    assert "TS2322" in result.stdout
