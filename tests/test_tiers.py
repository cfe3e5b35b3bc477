"""The scripts of both tiers: what they run with arguments, and what they say is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT

FAST, LIVE, SETUP = (ROOT / "tests" / f"{name}.sh" for name in ("fast", "live", "setup"))
PROGRAMS = re.findall(r"^need (\S+)", SETUP.read_text("utf-8"), re.MULTILINE)


def program(path: Path, script: str = "") -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def chosen(script: Path, folder: Path, *arguments: str) -> list[str]:
    """What a script gives pytest, once for every run of it."""
    program(folder / "python", '[ "$2" != pytest ] || { shift 2; printf "%s|" "$@"; }')
    result = subprocess.run(
        ["sh", str(script), *arguments],
        env={**os.environ, "BIN": str(folder), "LANES": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout.rstrip("|").split("|")


@pytest.mark.parametrize(
    ("script", "tier"), [(FAST, "not live and not soak"), (LIVE, "live and not soak")]
)
def test_arguments_run_no_other_tier(script: Path, tier: str, tmp_path: Path) -> None:
    assert chosen(script, tmp_path, "-x")[:2] == ["-m", tier]
    assert chosen(script, tmp_path, "-x")[-1] == "-x"
    # pytest takes the last one.
    assert chosen(script, tmp_path, "-m", "soak", "-vv")[-3:] == ["-m", "soak", "-vv"]


def said(folder: Path, programs: list[str]) -> str:
    """What the script for the machine says, not as root, where only these programs are there."""
    for name in programs:
        program(folder / name)
    for name in ("ls", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    program(folder / "id", "echo 1000")
    result = subprocess.run(
        [folder / "sh", str(SETUP)],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_missing_is_named_with_what_is_skipped(
    program: str, tmp_path: Path
) -> None:
    told = said(tmp_path, [name for name in PROGRAMS if name != program])
    assert re.search(rf"^missing:.* {program}\b", f"{told} ", re.MULTILINE), told
    assert re.search(rf"^  without {program}: \w", told, re.MULTILINE), told


def test_what_the_tests_start_is_asked_for() -> None:
    assert {"curl", "keepalived", "baresip", "chromium"} <= set(PROGRAMS)
    assert "/usr/lib/baresip/modules/avcodec.so" in SETUP.read_text("utf-8")


def test_the_readme_installs_the_same_packages(tmp_path: Path) -> None:
    told = re.search(r"as root: (apt-get install .*)", said(tmp_path, []))
    assert told is not None
    assert f"`{told[1]}`" in (ROOT / "README.md").read_text("utf-8")
