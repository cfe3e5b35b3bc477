"""Unpacking a bundle into a release, and making one of several releases the current one.

``HOME/releases/NAME`` is a whole program with its own virtual environment (``.venv``), made without
ensurepip, without the internet and without a compiler; ``HOME/current`` is a link to one of them.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Collection
from pathlib import Path

from installation.manifest import (
    MANIFEST,
    MAX_MANIFEST,
    PROGRAM,
    SBOM,
    WHEELS,
    Manifest,
    NotABundle,
    is_name,
    parse,
    release_name,
)

RELEASES, CURRENT = "releases", "current"
BUNDLE = "bundle.pyz"
COMPLETE = ".complete"
PACKAGES = ".packages"  # what the virtual environment of a release was made of
BLOCK = 1 << 20  # octets read at once
# What every release must be able to import before it counts as installed.
IMPORTS = "import bridge.cli.main, bridge.media.shell.worker, endpoints.agent.cli"


class InstallError(Exception):
    """Unpacking failed; the text says why and what to do."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def read_manifest(bundle: Path) -> Manifest:
    """What a bundle says about itself. Raises `NotABundle` and OSError."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            info = archive.getinfo(MANIFEST)
            if info.file_size > MAX_MANIFEST:
                raise NotABundle("The manifest is too large.")
            return parse(archive.read(info))
    except (zipfile.BadZipFile, KeyError, NotImplementedError):
        raise NotABundle(f"{bundle} is not a bundle of this system.") from None


def unpack(bundle: Path, home: Path, *, keep_bundle: bool = False) -> Path:
    """Make a release out of a bundle and return its folder; one that is there already is left as
    it is. ``keep_bundle`` puts the bundle itself into it, for a bridge that is to serve it. Raises
    `InstallError` and `NotABundle`; what was begun is removed."""
    manifest = read_manifest(bundle)
    wheels = manifest.wheels_for(sys.version_info[:2], platform.machine())
    folder = home / RELEASES / release_name(manifest.version, sha256_of(bundle))
    if (folder / COMPLETE).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        with zipfile.ZipFile(bundle) as archive:
            _extract(archive, PROGRAM, folder)
            archive.extract(SBOM, folder)
            made_of = _identity(archive, wheels)
            (folder / PACKAGES).write_text(made_of)
            compileall.compile_dir(folder, quiet=2)
            if not _shared(home, folder, made_of):
                _packages(archive, manifest.pip, wheels, folder / ".venv")
                _try_imports(folder)
        if keep_bundle:
            shutil.copyfile(bundle, folder / BUNDLE)
        (folder / COMPLETE).touch()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, (OSError, zipfile.BadZipFile, KeyError)):
            raise InstallError(f"The bundle cannot be unpacked into {folder}: {error}.") from None
        raise
    return folder


def _extract(archive: zipfile.ZipFile, prefix: str, folder: Path) -> None:
    """Extract what lies under a prefix, without that prefix."""
    for info in archive.infolist():
        if not info.filename.startswith(prefix) or info.is_dir():
            continue
        parts = info.filename.removeprefix(prefix).split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise InstallError(f"The bundle is damaged: {info.filename!r} is no path of it.")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, BLOCK)


def _identity(archive: zipfile.ZipFile, wheels: Collection[str]) -> str:
    """Which Python and which wheels an environment is made of; equal for equal environments."""
    lines = [sys.version]
    for name in sorted(wheels):
        info = archive.getinfo(WHEELS + name)
        lines.append(f"{name} {info.file_size} {info.CRC:08x}")
    return "\n".join(lines)


def _shared(home: Path, folder: Path, made_of: str) -> bool:
    """Give a release the packages of another that was made of the same, as links to its files.

    Most updates change no package, and a room's PC takes a minute or more to install them all.
    False where no release has them, or what it has does not work any more.
    """
    environment = folder / ".venv"
    for other in sorted((home / RELEASES).iterdir()):
        if other == folder or not (other / COMPLETE).exists():
            continue
        with contextlib.suppress(OSError, shutil.Error, InstallError):
            if (other / PACKAGES).read_text() != made_of:
                continue
            shutil.copytree(other / ".venv", environment, symlinks=True, copy_function=os.link)
            _move_scripts(other / ".venv", environment)
            _try_imports(folder)
            return True
        shutil.rmtree(environment, ignore_errors=True)
    return False


def _move_scripts(old: Path, new: Path) -> None:
    """Let the scripts of an environment, and its description, name the folder that they are in."""
    before, after = os.fsencode(old.absolute()), os.fsencode(new.absolute())
    for path in (new / "pyvenv.cfg", *(new / "bin").iterdir()):
        if path.is_symlink() or before not in (text := path.read_bytes()):
            continue
        mode = path.stat().st_mode
        path.unlink()  # the other release has the same file
        path.write_bytes(text.replace(before, after))
        path.chmod(mode)


def _packages(
    archive: zipfile.ZipFile, pip: str, wheels: Collection[str], environment: Path
) -> None:
    """Make a virtual environment with the packages. Debian's python3 has no ensurepip without
    python3-venv, so pip comes as a wheel and is run from within it."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(environment)
    with tempfile.TemporaryDirectory(dir=environment) as temporary:
        for name in {pip, *wheels}:
            archive.extract(WHEELS + name, temporary)
        there = Path(temporary) / WHEELS
        command = [
            str(environment / "bin" / "python"),
            "-I",
            str(there / pip / "pip"),
            *("--isolated", "--disable-pip-version-check", "--quiet", "--no-cache-dir"),
            *("install", "--no-index", "--no-deps", "--no-warn-script-location"),
            *(str(there / name) for name in sorted(wheels)),
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise InstallError(f"The packages cannot be installed: {done.stderr.strip()[-1000:]}")


def _try_imports(folder: Path) -> None:
    done = subprocess.run(
        [str(folder / ".venv" / "bin" / "python"), "-c", IMPORTS],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
        raise InstallError(f"The program in the bundle does not start: {lines[-1]}")


def current(home: Path) -> Path | None:
    """The folder of the current release; None where there is none."""
    try:
        name = Path(os.readlink(home / CURRENT)).name
    except OSError:
        return None
    folder = home / RELEASES / name
    return folder if is_name(name) and (folder / COMPLETE).exists() else None


def make_current(home: Path, name: str) -> None:
    """Make a release the current one, at once. Raises OSError."""
    link = home / f".{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(RELEASES) / name)
    link.replace(home / CURRENT)


def prune(home: Path, keep: Collection[str]) -> None:
    """Remove all releases but those named; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for folder in (home / RELEASES).iterdir():
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
