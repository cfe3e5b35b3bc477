"""The bundle that this bridge serves to room PCs, and the line that begins an installation there.

The bundle and the first stage are public: they hold the program and nothing secret. Whoever
fetches them checks them: a new PC by the line that an admin printed, an agent by what the bridge
told it over their authenticated connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.agents.updates import Offer
from installation.manifest import NotABundle, release_name
from installation.release import read_manifest, sha256_of

ROOT = Path(__file__).parent.parent.parent
BUNDLE = "bundle.pyz"  # in the state folder: put there by an admin, and served before the other
INSTALLED = ROOT / "bundle.pyz"  # what this bridge itself was installed from
FIRST = ROOT / "installation" / "first.py"
FIRST_PATH = "/api/v1/install"
PINNED_DIGITS = 32  # of the first stage's SHA-256: 128 bits, against a second preimage
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that is there; ``sha256`` in hexadecimal, ``size`` in octets."""

    path: Path
    sha256: str
    size: int
    release: str

    @property
    def offer(self) -> Offer:
        return Offer(self.release, self.sha256, self.size)


class Bundles:
    """Finds the bundle to serve: the first of some files that is one."""

    def __init__(self, candidates: Sequence[Path]) -> None:
        self._candidates = candidates
        self._known: dict[tuple[Path, int, int], Bundle | None] = {}

    async def current(self) -> Bundle | None:
        """The bundle; None where there is none. Read again when its file has changed."""
        for path in self._candidates:
            try:
                stat = path.stat()
            except OSError:
                continue
            key = (path, stat.st_mtime_ns, stat.st_size)
            if key not in self._known:
                found = await asyncio.to_thread(_look, path, stat.st_size)
                self._known = {key: found}
            bundle = self._known[key]
            if bundle is not None:
                return bundle
        return None


def _look(path: Path, size: int) -> Bundle | None:
    try:
        manifest = read_manifest(path)
        sha256 = sha256_of(path)
    except (NotABundle, OSError):
        return None
    return Bundle(path, sha256, size, release_name(manifest.version, sha256))


def first_stage(source: str, sha256: str, size: int, authority: str) -> bytes:
    """The program that a new room PC fetches first: ``source`` with its constants filled in and a
    call at its end. The same for every address, so that the line can name its checksum. Pure."""
    for before, after in (
        ('SHA256 = ""', f"SHA256 = {sha256!r}"),
        ("SIZE = 0", f"SIZE = {size}"),
        ('AUTHORITY = ""', f"AUTHORITY = {authority!r}"),
    ):
        assert before in source
        source = source.replace(before, after, 1)
    return f"{source}\n\nrun(b, sys.argv[1:])\n".encode()


def line(base: str, first: bytes, code: str) -> str:
    """What is typed on a room PC, as root: Python fetches the first stage from ``base``, trusts
    it for its checksum alone, and runs it. Pure."""
    pinned = hashlib.sha256(first).hexdigest()[:PINNED_DIGITS]
    program = (
        f"b='{base}';import ssl,hashlib,urllib.request as u;"
        f"s=u.urlopen(b+'{FIRST_PATH}',context=ssl._create_unverified_context()).read();"
        f"exec(s)if hashlib.sha256(s).hexdigest()[:{PINNED_DIGITS}]=='{pinned}'"
        f"else print('Not our bridge: nothing was run.')"
    )
    return f'python3 -c "{program}" {code}'


def usable_address(base: str) -> bool:
    """Whether an address of the bridge can stand in a line: scheme, host and port, and nothing
    that a shell or Python would understand otherwise. Pure."""
    scheme, separator, rest = base.partition("://")
    if scheme not in ("https", "http") or not separator:
        return False
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", rest)
    if found is None:
        return False
    host = found[1].strip("[]")
    if found[1].startswith("["):
        try:
            return bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None
