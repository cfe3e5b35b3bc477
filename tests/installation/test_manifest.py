"""What a bundle says about itself, and what is no bundle."""

from __future__ import annotations

import json
import platform
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from installation import build
from installation.manifest import MANIFEST, Manifest, NotABundle, is_name, parse, release_name
from installation.release import InstallError, current, make_current, prune, read_manifest, unpack

GOOD = Manifest("0.1.0", "x86_64", "pip-26.0-py3-none-any.whl", {"3.11": ("a-1-py3-none-any.whl",)})


def document(**changes: Any) -> str:
    return json.dumps(json.loads(GOOD.text()) | changes)


def test_what_is_written_is_read() -> None:
    assert parse(GOOD.text()) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        document(format=2),
        document(version=None),
        document(version="../../etc"),
        document(pip="../pip.whl"),
        document(wheels={"3.11": ["../../../bin/sh"]}),
        document(wheels={"3.11": [".hidden"]}),
        document(wheels={"3.11": [7]}),
        document(wheels=["a"]),
        document(wheels={"3/11": []}),
        " " * ((1 << 20) + 1),
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(NotABundle):
        parse(text)


def test_a_machine_that_is_not_served_is_told_what_to_do() -> None:
    assert GOOD.wheels_for((3, 11), "x86_64") == ("a-1-py3-none-any.whl",)
    with pytest.raises(NotABundle, match=r"Python 3\.11, and this is Python 3\.12"):
        GOOD.wheels_for((3, 12), "x86_64")
    with pytest.raises(NotABundle, match="--architecture aarch64"):
        GOOD.wheels_for((3, 11), "aarch64")


def test_two_builds_of_a_version_are_two_releases() -> None:
    assert release_name("0.1.0", "ab" * 32) == "0.1.0+abababababab"
    assert is_name(release_name("0.1.0", "ab" * 32))
    assert not any(is_name(name) for name in ("", ".", "..", "a/b", "-a", "a b", "é", "x" * 201))


def bundle(path: Path, **members: str) -> Path:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    manifest = Manifest("0.1.0", platform.machine(), GOOD.pip, {python: ()})
    files = [(name, text.encode()) for name, text in members.items()]
    build.write(path, [(MANIFEST, manifest.text().encode()), *files])
    return path


def test_a_bundle_is_the_same_octet_by_octet(tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "1", a="b"), bundle(tmp_path / "2", a="b")
    assert one.read_bytes() == two.read_bytes()
    assert read_manifest(one).version == "0.1.0"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"#!/usr/bin/env python3\n"])
def test_a_file_that_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(NotABundle):
        read_manifest(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", "")
    with pytest.raises(NotABundle):
        read_manifest(path)


@pytest.mark.parametrize("name", ["program/../../outside", "program//x", "program/a/../../../b"])
def test_no_member_leaves_its_folder(tmp_path: Path, name: str) -> None:
    path = bundle(tmp_path / "x", **{name: "text"})
    home = tmp_path / "home"
    with pytest.raises(InstallError, match="is no path of it"):
        unpack(path, home)
    assert not (tmp_path / "outside").exists()
    assert list((home / "releases").iterdir()) == [], "what was begun is removed"


def test_a_damaged_bundle_leaves_nothing(tmp_path: Path) -> None:
    path = bundle(tmp_path / "x")  # no packages, no list of them
    with pytest.raises(InstallError, match="cannot be unpacked"):
        unpack(path, tmp_path / "home")
    assert list((tmp_path / "home" / "releases").iterdir()) == []


def test_the_current_release_is_a_whole_one(tmp_path: Path) -> None:
    assert current(tmp_path) is None
    for name in ("a", "b", "c"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    make_current(tmp_path, "a")
    assert current(tmp_path) is None, "it was never finished"
    for name in ("a", "b"):
        (tmp_path / "releases" / name / ".complete").touch()
    make_current(tmp_path, "b")
    assert current(tmp_path) == tmp_path / "releases" / "b"
    prune(tmp_path, {"b"})
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["b"]
