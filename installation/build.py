"""``python -m installation.build`` (``make bundle``): makes the bundle, on a machine with internet.

The packages are those of requirements.txt, by their hashes. The same sources give the same bundle,
octet by octet. Needs the development packages.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from installation.manifest import MANIFEST, PROGRAM, SBOM, WHEELS, Manifest

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.13")  # Debian 12 and 13
GLIBC = 36  # 2.36 is Debian 12's: wheels for it or an older one
# Installs the other wheels on the machine itself; exact, as everything else is.
PIP = "pip==26.0 --hash=sha256:98436feffb9e31bc9339cf369fd55d3331b1580b6a6f1173bacacddcf9c34754"
# What runs: no tests, no benchmarks.
PARTS = ("bridge", "config", "endpoints", "installation", "monitoring", "docs")
FILES = ("bridge.py", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "requirements.txt")
LEFT_OUT = ("__pycache__", ".pyc", ".png")
# A zip's first moment: a date would make two equal bundles differ.
MOMENT = (1980, 1, 1, 0, 0, 0)
NAMESPACE = uuid.UUID("6ad1a5c4-41d6-5f4b-9a53-6a4ff3a0d7a1")
START = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".")
from installation.cli import main

sys.exit(main())
"""


# --- pure ----------------------------------------------------------------------------------


def environment(python: str, architecture: str) -> dict[str, str]:
    """The environment in which markers (PEP 508) of a Debian's CPython are evaluated."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": architecture,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
        "extra": "",
    }


def locked(text: str, markers: Mapping[str, str]) -> list[str]:
    """The lines of a locked requirements file that hold in an environment, each with its hashes
    and without its marker: pip evaluates markers by the Python that runs it, not by the one that
    is asked for. Pure."""
    found: list[str] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        what, *hashes = re.split(r"\s+(?=--hash=)", line)
        requirement = Requirement(what.strip())
        if requirement.marker is None or requirement.marker.evaluate(dict(markers)):
            found.append(" ".join([f"{requirement.name}{requirement.specifier}", *hashes]))
    return found


def platforms(architecture: str) -> list[str]:
    """The platform tags that Debian 12 and later can load, best first (PEP 600, PEP 599). Pure."""
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in range(GLIBC, 4, -1)]
    return [*tags, *(f"manylinux{old}_{architecture}" for old in ("2014", "2010", "1"))]


class Wheel(NamedTuple):
    """A wheel of the bundle: its file's name, SHA-256 (hexadecimal) and core metadata."""

    file: str
    sha256: str
    metadata: Message

    @property
    def name(self) -> str:
        return canonicalize_name(self.metadata["Name"])

    @property
    def version(self) -> str:
        return str(self.metadata["Version"])

    def needs(self, markers: Mapping[str, str]) -> Iterator[str]:
        """The names of the packages that it needs in an environment."""
        for text in self.metadata.get_all("Requires-Dist", []):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(dict(markers)):
                yield canonicalize_name(requirement.name)


def bill_of_materials(
    version: str, wheels: Sequence[Wheel], markers: Sequence[Mapping[str, str]], at: datetime
) -> str:
    """The list of everything in the bundle, as CycloneDX 1.6 (JSON). Pure."""
    licences = LicenseFactory()
    program = Component(
        name="diem-cau",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="diem-cau",
        licenses=[licences.make_from_string("Apache-2.0")],
    )
    found: dict[tuple[str, str], Component] = {}
    for wheel in wheels:
        key = (wheel.name, wheel.version)
        if key not in found:
            found[key] = _component(wheel, licences)
        found[key].external_references.add(
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(WHEELS + wheel.file),
                hashes=[HashTypeFactory().from_composite_str(f"sha256:{wheel.sha256}")],
            )
        )
    bom = Bom(components=found.values())
    bom.metadata.component = program
    bom.metadata.timestamp = at
    bom.serial_number = uuid.uuid5(NAMESPACE, " ".join(sorted(w.sha256 for w in wheels)))
    by_name: dict[str, list[Component]] = {}
    for (name, _), component in found.items():
        by_name.setdefault(name, []).append(component)
    for wheel in wheels:
        needed = {name for each in markers for name in wheel.needs(each)}
        bom.register_dependency(
            found[wheel.name, wheel.version],
            [c for name in sorted(needed) for c in by_name.get(name, [])],
        )
    bom.register_dependency(program, found.values())
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=1) + "\n"


def _component(wheel: Wheel, licences: LicenseFactory) -> Component:
    metadata = wheel.metadata
    # Three ways of saying it, the newest first (PEP 639).
    stated = metadata["License-Expression"] or metadata["License"] or ""
    if not stated or "\n" in stated:
        classifiers = metadata.get_all("Classifier", [])
        names = [c.rsplit(" :: ", 1)[-1] for c in classifiers if c.startswith("License ::")]
        stated = names[0] if names else ""
    return Component(
        name=wheel.name,
        version=wheel.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{wheel.name}@{wheel.version}",
        purl=PackageURL("pypi", name=wheel.name, version=wheel.version),
        licenses=[licences.make_from_string(stated)] if stated else [],
    )


def write(target: Path, members: Iterable[tuple[str, bytes]]) -> str:
    """Write a bundle; return its SHA-256. Members that are packed already are stored as they
    are. The same members give the same file."""
    buffer = io.BytesIO()
    buffer.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(buffer, "a", compresslevel=6) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, MOMENT)
            info.external_attr = 0o644 << 16
            packed = name.endswith((".whl", ".png"))
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


# --- shells --------------------------------------------------------------------------------


def program(root: Path) -> Iterator[tuple[str, bytes]]:
    """The files of the program, as members of the bundle."""
    paths = [root / name for name in FILES]
    for part in PARTS:
        paths += sorted(path for path in (root / part).rglob("*") if path.is_file())
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not any(part in name for part in LEFT_OUT):
            yield PROGRAM + name, path.read_bytes()


def all_there(requirements: Iterable[str], architecture: str, folder: Path) -> bool:
    """Whether an earlier build left a wheel for every requirement: one that Debian can load, with a
    hash that the requirement names."""
    loadable = {*platforms(architecture), "any"}
    left: dict[tuple[str, str], set[str]] = {}
    for path in folder.glob("*.whl"):
        if any(tag.platform in loadable for tag in parse_wheel_filename(path.name)[3]):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            left.setdefault(_key(path), set()).add(f"sha256:{digest}")
    for line in requirements:
        _, *hashes = line.split(" --hash=")
        found = left.get(_wanted(line))
        if not found or not found <= set(hashes):
            return False
    return True


def download(requirements: list[str], python: str, architecture: str, folder: Path) -> None:
    """Fetch wheels with pip. Ends the process with its message where one is missing."""
    if all_there(requirements, architecture, folder):
        return  # without pip, which takes twenty seconds to find the same
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements) + "\n")
        file.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
        command += ["--implementation", "cp", "--python-version", python]
        for tag in platforms(architecture):
            command += ["--platform", tag]
        command += ["-d", str(folder), "-r", file.name]
        # What an earlier build left may be all that is needed, and then no internet is.
        kept = [*command, "--no-index", "--find-links", str(folder)]
        done = subprocess.run(kept, check=False, capture_output=True)
        if done.returncode != 0:
            done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"The packages for Python {python} on {architecture} could not be fetched.")


def wheel_of(path: Path) -> Wheel:
    """Read a wheel's checksum and metadata."""
    name, version, _, _ = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as archive:
        found = [
            member
            for member in archive.namelist()
            if member.endswith(".dist-info/METADATA") and member.count("/") == 1
        ]
        metadata = BytesParser().parsebytes(archive.read(found[0]), headersonly=True)
    assert canonicalize_name(metadata["Name"]) == name
    assert str(version) in path.name
    return Wheel(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), metadata)


def moment_of(root: Path) -> datetime:
    """When the sources were last changed: the time of the last commit; 1980 where there is no
    git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return datetime.fromtimestamp(int(done.stdout), UTC)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return datetime(1980, 1, 1, tzinfo=UTC)


def build(root: Path, target: Path, pythons: Sequence[str], architecture: str, cache: Path) -> str:
    """Make a bundle out of the sources in a folder; return its SHA-256. ``cache`` keeps wheels
    from one build to the next."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    text = (root / "requirements.txt").read_text("utf-8")
    markers = [environment(python, architecture) for python in pythons]
    wheels: dict[str, Path] = {}
    of_python: dict[str, tuple[str, ...]] = {}
    for python, each in zip(pythons, markers, strict=True):
        folder = cache / f"{python}-{architecture}"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [*locked(text, each), PIP]
        download(wanted, python, architecture, folder)
        names = set(map(_wanted, wanted))
        found = [p for p in sorted(folder.glob("*.whl")) if _key(p) in names]
        wheels |= {path.name: path for path in found}
        of_python[python] = tuple(p.name for p in found if _key(p)[0] != "pip")
    pip = next(name for name in wheels if name.startswith("pip-"))
    described = [wheel_of(wheels[name]) for name in sorted(wheels)]
    manifest = Manifest(version, architecture, pip, of_python)
    sbom = bill_of_materials(version, described, markers, moment_of(root))

    def members() -> Iterator[tuple[str, bytes]]:
        yield "__main__.py", START.encode()
        yield MANIFEST, manifest.text().encode()
        yield SBOM, sbom.encode()
        for path in sorted((root / "installation").glob("*.py")):
            if path.name != "build.py":
                yield f"installation/{path.name}", path.read_bytes()
        yield from program(root)
        for name in sorted(wheels):
            yield WHEELS + name, wheels[name].read_bytes()

    return write(target, members())


def _wanted(line: str) -> tuple[str, str]:
    """The name and the version of a locked line."""
    requirement = Requirement(line.split(" --hash=", maxsplit=1)[0])
    return canonicalize_name(requirement.name), str(requirement.specifier)[2:]


def _key(path: Path) -> tuple[str, str]:
    name, version, _, _ = parse_wheel_filename(path.name)
    return str(name), str(version)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="installation.build", description=__doc__)
    parser.add_argument("--python", action="append", help="CPython to serve (3.11 and 3.13)")
    parser.add_argument("--architecture", default=platform.machine(), help="as uname -m says")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bundle")
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "wheels")
    given = parser.parse_args(arguments)
    target = given.out / f"diem-cau-{given.architecture}.pyz"
    pythons = tuple(given.python or PYTHONS)
    digest = build(ROOT, target, pythons, given.architecture, given.cache)
    with zipfile.ZipFile(target) as archive:
        (given.out / SBOM).write_bytes(archive.read(SBOM))
    print(f"{target}  {target.stat().st_size / 1e6:.0f} MB, CPython {', '.join(pythons)}")
    print(f"SHA-256 {digest}")
    print(f"its parts: {given.out / SBOM} (CycloneDX)")


if __name__ == "__main__":
    main()
