"""Work on what strangers bring, in a process of its own with a limit on time and memory.

Parsers that are fast for every file that a person writes can be slow for one that was made to be;
in a process of its own that harms nobody. ``python -m bridge.base.limited MODULE SECONDS OCTETS``
calls ``answer`` of a module with what it reads from standard input (JSON) and writes what it
returns (JSON).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class OverLimitError(Exception):
    """The work took more time or memory than it may."""


async def limited(module: str, request: Any, *, seconds: float, memory: int) -> Any:
    """What ``answer(request)`` of ``module`` returns, worked out in another process. ``memory`` is
    in octets. Raises `OverLimitError`; OSError where no process can be started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, module, str(seconds), str(memory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(4 * seconds):  # the CPU's time counts; the clock for what sleeps
            out, _ = await process.communicate(json.dumps(request).encode())
    except TimeoutError:
        raise OverLimitError from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise OverLimitError
    return json.loads(out)


def main() -> None:
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
