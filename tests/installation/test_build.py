"""What goes into a bundle."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from packaging.requirements import Requirement

from installation import build
from tests.paths import ROOT

LOCKED = """\
# by uv
numpy==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via diem-cau
numpy==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
colorama==0.4 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


def test_the_lock_is_read_as_the_other_python_would() -> None:
    older, newer = (build.environment(python, "x86_64") for python in ("3.11", "3.13"))
    assert build.locked(LOCKED, older) == ["numpy==1.0 --hash=sha256:aa --hash=sha256:bb"]
    assert build.locked(LOCKED, newer) == ["numpy==2.0 --hash=sha256:cc"]


@pytest.mark.parametrize("python", build.PYTHONS)
def test_the_projects_own_lock_is_exact_and_with_hashes(python: str) -> None:
    text = (ROOT / "requirements.txt").read_text("utf-8")
    lines = build.locked(text, build.environment(python, "x86_64"))
    assert len(lines) > 40
    for line in [*lines, build.PIP]:
        requirement, *hashes = line.split(" --hash=sha256:")
        assert str(Requirement(requirement).specifier).startswith("==")
        assert hashes


def test_platforms_begin_with_the_newest_that_debian_12_has() -> None:
    tags = build.platforms("x86_64")
    assert tags[0] == "manylinux_2_36_x86_64"
    assert "manylinux_2_28_x86_64" in tags
    assert tags[-3:] == ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]


def test_what_an_earlier_build_left_is_used_where_it_is_what_is_locked(tmp_path: Path) -> None:
    def put(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    there = functools.partial(build.all_there, architecture="x86_64", folder=tmp_path)
    pure = f"pure-thing==1.0 --hash=sha256:aa --hash={put('Pure_Thing-1.0-py3-none-any.whl', b'p')}"
    native = f"fast==2.0 --hash={put('fast-2.0-cp311-cp311-manylinux_2_28_x86_64.whl', b'f')}"
    assert there([pure, native])
    assert not there([pure, native, "other==1.0 --hash=sha256:aa"])
    assert not there([pure.replace("1.0", "1.1"), native])
    put("fast-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", b"something else")
    assert there([pure])
    assert not there([native]), "it is not what is locked"
    (tmp_path / "fast-2.0-cp311-cp311-manylinux_2_28_x86_64.whl").unlink()
    put("fast-2.0-cp311-cp311-macosx_14_0_arm64.whl", b"f")
    assert not there([native]), "no Debian can load it"


def wheel(name: str, *needs: str, file: str = "") -> build.Wheel:
    metadata = Message()
    metadata["Name"], metadata["Version"] = name, "1.0"
    metadata["License-Expression"] = "MIT"
    for need in needs:
        metadata["Requires-Dist"] = need
    return build.Wheel(file or f"{name}-1.0-py3-none-any.whl", "ab" * 32, metadata)


def test_the_bill_of_materials_is_cyclonedx() -> None:
    # Five seconds of grammars, which every process of a parallel run would pay for.
    from cyclonedx.validation.json import JsonStrictValidator

    wheels = [
        wheel("Aio.Http", "yarl>=1", "colorama; sys_platform == 'win32'", "uv; extra == 'x'"),
        wheel("yarl", file="yarl-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"),
        wheel("yarl", file="yarl-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
    ]
    markers = [build.environment("3.11", "x86_64"), build.environment("3.13", "x86_64")]
    at = datetime(2026, 11, 24, tzinfo=UTC)
    text = build.bill_of_materials("0.1.0", wheels, markers, at)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == build.bill_of_materials("0.1.0", wheels, markers, at), "the same every time"
    found = json.loads(text)
    assert found["metadata"]["component"]["version"] == "0.1.0"
    purls = [component["purl"] for component in found["components"]]
    assert purls == ["pkg:pypi/aio-http@1.0", "pkg:pypi/yarl@1.0"]
    assert len(found["components"][1]["externalReferences"]) == 2, "a file for each Python"
    needs = {item["ref"]: item.get("dependsOn", []) for item in found["dependencies"]}
    assert needs["aio-http@1.0"] == ["yarl@1.0"], "neither Windows' nor an extra's"
    assert needs["diem-cau"] == ["aio-http@1.0", "yarl@1.0"]


def test_the_program_in_a_bundle_is_what_runs() -> None:
    names = {name for name, _ in build.program(ROOT)}
    for wanted in ("bridge.py", "bridge/web/room/room.js", "docs/systemd/diem-cau.service"):
        assert f"program/{wanted}" in names
    assert not [n for n in names if "tests" in n.split("/") or n.endswith(".pyc")]


def test_what_runs_on_a_bare_python_needs_no_package(tmp_path: Path) -> None:
    """No site-packages (-S), nothing of ours but what is in the file."""
    target = tmp_path / "x.pyz"
    members = [("__main__.py", build.START.encode())]
    for path in (ROOT / "installation").glob("*.py"):
        if path.name != "build.py":
            members.append((f"installation/{path.name}", path.read_bytes()))
    build.write(target, members)
    bare = [sys.executable, "-I", "-S"]
    for arguments in (["agent", "--help"], ["bridge", "--help"]):
        done = subprocess.run(
            [*bare, str(target), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    for alone, code in (("launcher.py", 2), ("first.py", 0)):
        path = ROOT / "installation" / alone
        done = subprocess.run([*bare, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    done = subprocess.run([*bare, str(target), "info"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a bundle of this system" in done.stderr
