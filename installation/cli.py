"""The commands of a bundle: ``python3 diem-cau-….pyz bridge``, ``… agent URL CODE``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from installation import agent, bridge
from installation.manifest import NotABundle, release_name
from installation.release import InstallError, read_manifest, sha256_of, unpack

BUNDLE = Path(sys.path[0])
EXIT_BAD_INPUT = 2


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python3 BUNDLE",
        description="Installs the bridge, or the agent of a room PC, without the internet.",
    )
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="what is in this bundle")
    unpacking = commands.add_parser("unpack", help="only unpack a release (agents do this)")
    unpacking.add_argument("home", type=Path)
    bridge.options(commands.add_parser("bridge", help="install the bridge on this server"))
    agent.options(commands.add_parser("agent", help="install the agent on this room PC"))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the bundle that this Python runs; return its exit code."""
    given = parser().parse_args(arguments)
    os.umask(0o022)  # what is installed is run by other users than the one who installs
    try:
        match given.command:
            case "info":
                manifest = read_manifest(BUNDLE)
                print(release_name(manifest.version, sha256_of(BUNDLE)))
                print(f"{manifest.architecture}, CPython {', '.join(sorted(manifest.wheels))}")
                print(f"SHA-256 {sha256_of(BUNDLE)}")
            case "unpack":
                print(unpack(BUNDLE, given.home))
            case "bridge":
                bridge.install(BUNDLE, given)
            case "agent":
                agent.install(BUNDLE, given)
    except (NotABundle, InstallError) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror}.", file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0
