"""The pages' JavaScript is checked by tsc from its JSDoc types."""

from __future__ import annotations

import json
import os.path
import re
import subprocess
from pathlib import Path

from tests.web.tools import FOLDER, node, packages


def test_the_types_of_the_pages_hold_and_a_wrong_one_is_found(tmp_path: Path) -> None:
    """One run over all pages and a file beside them that uses a word wrongly: what is found is
    there and nowhere else."""
    ours = FOLDER / "tsconfig.json"
    bad = tmp_path / "bad.js"
    bad.write_text("/** @type {number} */\nexport const x = 'text';\n", "utf-8")
    patterns = json.loads(ours.read_text("utf-8"))["include"]
    pages = [os.path.normpath(FOLDER / pattern) for pattern in patterns]
    config = tmp_path / "tsconfig.json"
    config.write_text(json.dumps({"extends": str(ours), "include": [*pages, str(bad)]}), "utf-8")
    result = subprocess.run(
        [node(), str(packages() / "typescript/bin/tsc"), "-p", str(config)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.findall(r"^(.+?)\(\d+,\d+\): error (TS\d+)", result.stdout, re.MULTILINE)
    assert [(Path(file).name, code) for file, code in found] == [("bad.js", "TS2322")], (
        result.stdout
    )
