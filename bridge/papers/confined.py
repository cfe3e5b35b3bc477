"""Runs another program where it can harm little: with bounds on time, memory and the size of
files, without the network, without the environment of this process.

``python -m bridge.papers.confined SECONDS OCTETS PROGRAM …`` becomes the program. It needs no
right: the network is left by a namespace of the user's own (user_namespaces(7)), and where the
kernel does not give one, it says so and runs nothing.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LARGEST_FILE = 1 << 30  # octets
NO_NAMESPACE = 77  # how it ends where the network cannot be left


def main() -> None:
    seconds, octets, *line = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        sys.exit(NO_NAMESPACE)
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)), int(float(seconds)) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (int(octets), int(octets)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    os.execvpe(line[0], line, kept)  # noqa: S606 - the line is ours


if __name__ == "__main__":
    main()
