"""The process that `bridge.base.limited` starts, with limits on its time and memory.

``python -m bridge.base.limited_work MODULE SECONDS OCTETS`` calls ``answer`` of a module with what
it reads from standard input (JSON) and writes what it returns (JSON). Somebody waits while it
starts, so it imports no more than that takes.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys


def main() -> None:
    """Take the limits, do the work."""
    name, seconds, memory = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    cpu = int(float(seconds)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # a conference goes first
    request = json.load(sys.stdin)
    json.dump(importlib.import_module(name).answer(request), sys.stdout)


if __name__ == "__main__":
    main()
