"""What pages load that is not ours is what its authors published, octet by octet."""

from __future__ import annotations

import hashlib

from bridge.server.http import WEB
from tests.web.tools import packages

HLS = WEB / "vendor" / "hls"


def sums() -> dict[str, str]:
    """File names and their SHA-256, as ``sha256sum -c`` reads them."""
    lines = (HLS / "SHA256SUMS").read_text("ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def test_the_checksums_hold() -> None:
    assert set(sums()) == {"hls.light.min.mjs", "LICENSE"}
    for name, digest in sums().items():
        assert hashlib.sha256((HLS / name).read_bytes()).hexdigest() == digest, name


def test_it_is_the_package_of_the_lock_file() -> None:
    """Whose own checksum npm has verified."""
    theirs = packages() / "hls.js"
    assert (HLS / "LICENSE").read_bytes() == (theirs / "LICENSE").read_bytes()
    name = "hls.light.min.mjs"
    assert (HLS / name).read_bytes() == (theirs / "dist" / name).read_bytes()
