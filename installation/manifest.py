"""What a bundle says about itself. Pure.

A bundle is one zip file that Python runs (``python3 diem-cau-….pyz``, PEP 441). It holds the
program under ``program/``, the packages it needs under ``wheels/``, for every CPython that it
serves, the list of all of them (``sbom.cdx.json``), and ``manifest.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = 1
MANIFEST, SBOM = "manifest.json", "sbom.cdx.json"
PROGRAM, WHEELS = "program/", "wheels/"
MAX_MANIFEST = 1 << 20  # octets
RELEASE_DIGITS = 12  # of the bundle's SHA-256 in the name of a release


class NotABundle(Exception):
    """A file that is no bundle, or not one for this machine; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a bundle. ``architecture`` is that of ``uname -m``; ``wheels`` are the file
    names for each CPython ("3.11"), in no order; ``pip`` is the wheel that installs the others."""

    version: str
    architecture: str
    pip: str
    wheels: Mapping[str, tuple[str, ...]]

    def text(self) -> str:
        """The manifest as it stands in a bundle."""
        document = {
            "format": FORMAT,
            "version": self.version,
            "architecture": self.architecture,
            "pip": self.pip,
            "wheels": {python: sorted(names) for python, names in sorted(self.wheels.items())},
        }
        return json.dumps(document, indent=1) + "\n"

    def wheels_for(self, python: tuple[int, int], architecture: str) -> tuple[str, ...]:
        """The file names of the wheels for a CPython. Raises `NotABundle` where there are none."""
        if architecture != self.architecture:
            raise NotABundle(
                f"This bundle is for {self.architecture}, and this machine is {architecture}. "
                f"Make one for it: make bundle ARGS='--architecture {architecture}'."
            )
        wanted = f"{python[0]}.{python[1]}"
        if wanted not in self.wheels:
            raise NotABundle(
                f"This bundle holds packages for Python {' and '.join(sorted(self.wheels))}, and "
                f"this is Python {wanted}. Debian 12 and 13 have the right ones; for another, make "
                f"a bundle with make bundle ARGS='--python {wanted}'."
            )
        return self.wheels[wanted]


def parse(text: str | bytes) -> Manifest:
    """Read a manifest. Raises `NotABundle`."""
    if len(text) > MAX_MANIFEST:
        raise NotABundle("The manifest is too large.")
    try:
        document = json.loads(text)
        known = document["format"]
        if known != FORMAT:
            raise NotABundle(f"The bundle has format {known!r}; this version reads {FORMAT}.")
        manifest = Manifest(
            document["version"],
            document["architecture"],
            document["pip"],
            {python: tuple(names) for python, names in document["wheels"].items()},
        )
        names = [manifest.pip, *(n for found in manifest.wheels.values() for n in found)]
        words = [manifest.version, manifest.architecture, *manifest.wheels, *names]
        if not all(isinstance(word, str) and is_name(word) for word in words):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotABundle("The file is not a bundle of this system.") from None
    return manifest


def is_name(word: str) -> bool:
    """Whether a word may be part of a path: letters, digits, and ``._+-`` inside."""
    return (
        0 < len(word) <= 200
        and word[0] not in ".-"
        and all(c.isascii() and (c.isalnum() or c in "._+-") for c in word)
    )


def release_name(version: str, sha256: str) -> str:
    """The name of what a bundle installs: version, and the beginning of the bundle's SHA-256
    (hexadecimal), so that two builds of one version are two releases."""
    return f"{version}+{sha256[:RELEASE_DIGITS]}"
